import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { HttpProxyAgent, HttpsProxyAgent } from 'hpagent';
import { errnoOf, TscomposeError } from '../base/errors.js';
import { reasonOf } from './failures.js';
import { defaultPatience, paced, type Patience, timedOut } from './pace.js';
import { trustFor, trustVersion, type TrustOptions } from './trust.js';

const connectTimeoutMs = 15_000;
const maxRedirects = 5;
/** An answer nobody reads is taken in up to here, so that its connection can serve again. */
const maxDiscardedBytes = 64 << 10;
const discardTimeoutMs = 5_000;

export interface Ask {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent once: such a request is never repeated, nor redirected. */
  readonly body?: Uint8Array | Readable | undefined;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly method: string;
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** To be read to its end, destroyed, or given to `discard`. */
  readonly body: IncomingMessage;
  /** The body's bytes; fails when they come slower than anyone would wait for. */
  readonly bytes: () => AsyncGenerator<Buffer, void, undefined>;
  /** After redirects. */
  readonly url: URL;
}

/** Sends HTTP requests over kept connections, each host with its own trust. */
export interface HttpClient {
  /** Follows redirects; credentials do not follow to another host. @throws Node's errors, the abort reason */
  send(ask: Ask): Promise<Answer>;
  close(): void;
}

export interface HttpOptions {
  /** Hosts whose certificates are not checked. */
  readonly isInsecure: (host: string) => boolean;
  /** What a URL is asked through; undefined: straight. */
  readonly proxyFor?: (url: URL) => URL | undefined;
  readonly patience?: Patience;
}

export function createHttpClient(
  trust: TrustOptions,
  { isInsecure, proxyFor = () => undefined, patience = defaultPatience }: HttpOptions,
): HttpClient {
  const { silenceMs } = patience;
  const common = { keepAlive: true, maxSockets: 8, timeout: silenceMs };
  const straight = new HttpAgent(common);
  /** By proxy. */
  const plain = new Map<string, HttpAgent>();
  const plainAgentFor = (proxy: URL | undefined) => {
    if (proxy === undefined) return straight;
    const agent = plain.get(proxy.href) ?? new HttpProxyAgent({ ...common, proxy });
    plain.set(proxy.href, agent);
    return agent;
  };
  const secure = new Map<string, { readonly agent: HttpsAgent; readonly version: string }>();
  const agentFor = (host: string, proxy: URL | undefined) => {
    const known = secure.get(host);
    const version = `${String(isInsecure(host))} ${proxy?.href ?? ''} ${trustVersion(host, trust)}`;
    if (known?.version === version) return known.agent;
    const options = {
      ...common,
      secureContext: createSecureContext(trustFor(host, trust)), // once a host: reading all authorities takes 60 ms
      rejectUnauthorized: !isInsecure(host),
    };
    const agent = proxy === undefined ? new HttpsAgent(options) : new HttpsProxyAgent({ ...options, proxy });
    secure.set(host, { agent, version }); // connections of the one before end when they are idle
    return agent;
  };

  const once = (ask: Ask) =>
    new Promise<Answer>((resolve, reject) => {
      const { method = 'GET', url, headers = {}, body, signal } = ask;
      const isSecure = url.protocol === 'https:';
      const options = { method, headers: { 'user-agent': 'tscompose', ...headers }, signal };
      const proxy = proxyFor(url);
      const request = isSecure
        ? httpsRequest(url, { ...options, agent: agentFor(url.host, proxy) })
        : httpRequest(url, { ...options, agent: plainAgentFor(proxy) });
      const connecting = setTimeout(() => request.destroy(timedOut('connecting')), connectTimeoutMs);
      request.on('socket', (socket) => {
        const connected = () => clearTimeout(connecting);
        if (!socket.connecting) connected();
        else socket.once(isSecure ? 'secureConnect' : 'connect', connected);
      });
      request.on('timeout', () => request.destroy(timedOut('waiting for an answer')));
      let answering: NodeJS.Timeout | undefined; // headers that come byte by byte are no silence
      request.on('finish', () => {
        answering = setTimeout(() => request.destroy(timedOut('waiting for an answer')), 2 * silenceMs);
      });
      const settled = () => {
        clearTimeout(connecting);
        clearTimeout(answering);
      };
      request.on('close', settled);
      request.on('error', (error) => {
        settled();
        if (signal.aborted) reject(signal.reason as Error);
        else reject(proxy === undefined ? error : throughProxy(proxy, error));
      });
      request.on('response', (response) => {
        settled();
        const bytes = () => paced(response, patience);
        resolve({ method, status: response.statusCode ?? 0, headers: response.headers, body: response, bytes, url });
      });
      if (body === undefined || body instanceof Uint8Array) {
        request.end(body);
      } else {
        body.once('error', (error) => request.destroy(error));
        request.once('close', () => body.destroy()); // a refusal half way leaves the rest unread, and its file open
        body.pipe(request);
      }
    });

  return {
    async send(ask) {
      ask.signal.throwIfAborted();
      let current = ask;
      for (let redirects = 0; ; redirects += 1) {
        const answer = await once(current);
        const { location } = answer.headers;
        const isRedirect = [301, 302, 303, 307, 308].includes(answer.status) && location !== undefined;
        if (!isRedirect || !['GET', 'HEAD'].includes(current.method ?? 'GET')) return answer;
        discard(answer);
        if (redirects === maxRedirects) throw new Error(`more than ${maxRedirects} redirects`);
        const url = new URL(location, current.url);
        checkOnward(current.url, url);
        current = {
          ...current,
          url,
          headers: url.host === current.url.host ? (current.headers ?? {}) : withoutSecrets(current.headers),
        };
      }
    },
    close() {
      straight.destroy();
      for (const agent of plain.values()) agent.destroy();
      for (const { agent } of secure.values()) agent.destroy();
    },
  };
}

/** The whole body as bytes. @throws `content/size-mismatch` above `maxBytes` */
export async function readBody({ body, bytes }: Answer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes()) {
    length += chunk.length;
    if (length > maxBytes) {
      body.destroy();
      throw new TscomposeError({
        code: 'content/size-mismatch',
        message: `the answer is longer than ${maxBytes} bytes`,
        facts: { expectedBytes: maxBytes, actualBytes: length },
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Lets go of an answer whose body is of no interest, however long or slow that is. */
export function discard({ body, headers, method, status }: Answer): void {
  const isEmpty = body.complete || status === 204 || method === 'HEAD';
  if (!isEmpty && !(Number(headers['content-length']) <= maxDiscardedBytes)) {
    body.destroy();
    return;
  }
  const timer = setTimeout(() => body.destroy(), discardTimeoutMs).unref();
  body.once('close', () => clearTimeout(timer));
  body.resume();
}

/**
 * Whether a registry may send us from one address to another.
 * @throws Error - the new one is not HTTP, or plain where the old one was not: what is sent there could be read
 */
export function checkOnward(from: URL, to: URL): void {
  if (!['http:', 'https:'].includes(to.protocol)) throw new Error(`a redirect to ${to.protocol}`);
  if (to.protocol === 'http:' && from.protocol === 'https:') throw new Error('a redirect from https to http');
}

/** Nobody listens there, or there is no such name: trying again at once is no use. */
export function isNotThere(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(errnoOf(error) ?? '');
}

/** Broken lines stay such; that a proxy is not there says nothing about the registry. */
function throughProxy({ host }: URL, error: Error): Error {
  const reason = new Error(`through the proxy ${host}: ${reasonOf(error)}`, { cause: error });
  return isNotThere(error) ? reason : Object.assign(reason, { code: errnoOf(error) });
}

function withoutSecrets(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}
