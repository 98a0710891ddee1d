import { setMaxListeners } from 'node:events';
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { PingInfo } from '../api/system.js';
import { messageOf, TscomposeError } from '../base/errors.js';
import { createConnector } from './connector.js';
import { responseError, unreachable } from './errors.js';
import { parseHost, type TlsFiles } from './host.js';
import { encodeQuery, type Query } from './query.js';

export interface ConnectionOptions {
  readonly host: string;
  readonly tls?: TlsFiles | undefined;
  /** Skips the negotiation, as `DOCKER_API_VERSION` does. */
  readonly apiVersion?: string | undefined;
}

export interface WireRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Without version prefix; its variable parts escaped. */
  readonly path: string;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, chunked, while the answer may already flow. */
  readonly body?: Readable;
}

export interface Upgraded {
  /** Raw bytes both ways, starting with the first after the answer's head. `end()` half-closes. */
  readonly socket: Duplex;
  readonly contentType: string;
}

/** One engine: a pool of kept-alive connections and the API version agreed on. */
export interface Connection {
  readonly host: string;
  /** The answer's body parsed; it is trusted to be what the API promises for that route. */
  json<T>(request: WireRequest, signal: AbortSignal): Promise<T>;
  /** For answers whose body says nothing; 304 counts as success. */
  done(request: WireRequest, signal: AbortSignal): Promise<void>;
  /** Resolves with the head of the answer. */
  stream(request: WireRequest, signal: AbortSignal): Promise<IncomingMessage>;
  upgrade(request: WireRequest, signal: AbortSignal): Promise<Upgraded>;
  ping(signal: AbortSignal): Promise<PingInfo>;
  /** The version requests are made with. */
  apiVersion(signal: AbortSignal): Promise<string>;
  /** Idle connections end; running requests go on. */
  close(): void;
}

/** The newest API this client was written for. */
const newestKnown = '1.47';

/** Nothing is sent before the first request. @throws `engine/bad-host` */
export function createConnection({ host, tls, apiVersion: fixed }: ConnectionOptions): Connection {
  const address = parseHost(host, tls);
  let wire: Promise<Wire> | undefined;
  const getWire = () => (wire ??= openWire(() => createConnector(address)));

  const send = async (target: string, request: WireRequest, signal: AbortSignal): Promise<Answer> => {
    signal.throwIfAborted();
    setMaxListeners(0, signal); // one signal governs any number of requests
    const { http, agent } = await getWire();
    const attempt = () => exchange(http, agent, target, request, signal);
    try {
      return await attempt().catch((error: unknown) => {
        // The engine may close an idle connection just as we take it up again.
        const repeatable = request.method === 'GET' || request.method === 'HEAD';
        if (error instanceof Broken && error.reused && repeatable) return attempt();
        throw error;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Broken) throw unreachable(host, error.reason);
      throw error;
    }
  };

  const ping = async (signal: AbortSignal): Promise<PingInfo> => {
    for (const method of ['HEAD', 'GET'] as const) {
      const { response } = await send('/_ping', { method, path: '/_ping' }, signal);
      const text = await readText(response);
      if (response.statusCode === 200) {
        return {
          apiVersion: headerOf(response, 'api-version') || '1.24',
          osType: headerOf(response, 'ostype'),
          builderVersion: headerOf(response, 'builder-version'),
        };
      }
      if (method === 'GET') throw responseError('GET', '/_ping', response.statusCode ?? 0, text);
    }
    throw new Error('bug: unreachable');
  };

  let agreed: Promise<string> | undefined;
  const apiVersion = async (signal: AbortSignal): Promise<string> => {
    if (fixed !== undefined && fixed !== '') return fixed.replace(/^v/, '');
    // Shared by all callers, so not under the first one's signal; a ping is short.
    agreed ??= ping(AbortSignal.timeout(60_000)).then((info) => olderOf(info.apiVersion, newestKnown));
    const current = agreed;
    current.catch(() => {
      if (agreed === current) agreed = undefined;
    });
    return await abortable(current, signal);
  };

  const request = async (wanted: WireRequest, signal: AbortSignal): Promise<Answer> => {
    const versioned = wanted.path.startsWith('/tscompose/') ? '' : `/v${await apiVersion(signal)}`;
    const answer = await send(`${versioned}${wanted.path}${encodeQuery(wanted.query ?? {})}`, wanted, signal);
    const status = answer.response.statusCode ?? 0;
    if (status >= 400) {
      throw responseError(wanted.method, wanted.path, status, await readText(answer.response));
    }
    return answer;
  };

  return {
    host,
    json: async <T>(wanted: WireRequest, signal: AbortSignal): Promise<T> => {
      const { response } = await request(wanted, signal);
      const text = await guarded(host, signal, () => readText(response));
      try {
        return JSON.parse(text) as T; // the engine's word for its own shapes
      } catch (cause) {
        throw protocolError(wanted, `the answer to ${wanted.method} ${wanted.path} is not JSON`, cause);
      }
    },
    done: async (wanted, signal) => {
      const { response } = await request(wanted, signal);
      await guarded(host, signal, () => readText(response));
    },
    stream: async (wanted, signal) => (await request(wanted, signal)).response,
    upgrade: async (wanted, signal) => {
      const headers = { ...wanted.headers, connection: 'Upgrade', upgrade: 'tcp' };
      const { response, socket } = await request({ ...wanted, headers }, signal);
      if (socket === undefined) {
        response.destroy();
        throw protocolError(wanted, `the engine does not upgrade ${wanted.path}: status ${response.statusCode ?? 0}`);
      }
      return { socket, contentType: headerOf(response, 'content-type') };
    },
    ping,
    apiVersion,
    close: () => void wire?.then(({ agent }) => agent.destroy()).catch(() => undefined),
  };
}

/** Runs the reading of a body; turns a broken connection into `engine/unreachable` and an abort into its reason. */
export async function guarded<T>(host: string, signal: AbortSignal, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TscomposeError || !(error instanceof Error)) throw error;
    throw unreachable(host, error);
  }
}

interface Wire {
  readonly http: typeof import('node:http');
  readonly agent: Agent;
}

async function openWire(connect: () => ReturnType<typeof createConnector>): Promise<Wire> {
  const [http, connector] = await Promise.all([import('node:http'), connect()]);
  const agent = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
  // Documented way to bring one's own sockets (http.Agent, "agent.createConnection"); the types leave it out.
  Object.assign(agent, { createConnection: () => connector.open() });
  return { http, agent };
}

interface Answer {
  readonly response: IncomingMessage;
  readonly socket?: Duplex;
}

/** The connection failed before an answer. */
class Broken extends Error {
  readonly reason: Error;
  readonly reused: boolean;

  constructor(reason: Error, reused: boolean) {
    super(reason.message);
    this.reason = reason;
    this.reused = reused;
  }
}

function exchange(
  http: Wire['http'],
  agent: Agent,
  target: string,
  { method, headers = {}, json, body }: WireRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const text = json === undefined ? undefined : JSON.stringify(json);
  const options: RequestOptions & { servername?: string } = {
    agent,
    // Or Node works out one from the host, and compiles its patterns of addresses for that: 7 ms. Sockets are ours.
    servername: '',
    signal,
    method,
    path: target,
    headers: {
      host: 'docker',
      'user-agent': 'tscompose',
      ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...headers,
    },
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest = http.request(options);
    let answered = false;
    request.on('response', (response) => {
      answered = true;
      resolve({ response });
    });
    request.on('upgrade', (response, socket, head) => {
      answered = true;
      if (head.byteLength > 0) socket.unshift(head);
      resolve({ response, socket });
    });
    request.on('error', (error) => {
      body?.destroy();
      // After the head of the answer the response itself carries the failure.
      if (!answered) reject(new Broken(error, request.reusedSocket));
    });
    if (body === undefined) {
      request.end(text);
      return;
    }
    body.on('error', (error) => {
      request.destroy();
      reject(error);
    });
    body.pipe(request);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) text += String(chunk);
  return text;
}

function headerOf(response: IncomingMessage, name: string): string {
  const value = response.headers[name];
  return typeof value === 'string' ? value : '';
}

function olderOf(left: string, right: string): string {
  const [major = 0, minor = 0] = left.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = right.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor) ? left : right;
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort reason is rethrown as it is
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

function protocolError({ method, path }: WireRequest, message: string, cause?: unknown): TscomposeError {
  const detail = cause === undefined ? message : `${message}: ${messageOf(cause)}`;
  return new TscomposeError({ code: 'engine/protocol', message: detail, facts: { method, path } });
}
