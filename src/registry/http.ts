import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { errnoOf, TscomposeError } from '../base/errors.js';
import { trustFor, type TrustOptions } from './trust.js';

const connectTimeoutMs = 15_000;
/** Without a byte for so long a connection counts as broken. */
const silenceTimeoutMs = 60_000;
const maxRedirects = 5;

export interface Ask {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent once: such a request is never repeated, nor redirected. */
  readonly body?: Uint8Array | Readable | undefined;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** To be read to its end, or destroyed. */
  readonly body: IncomingMessage;
  /** After redirects. */
  readonly url: URL;
}

/** Sends HTTP requests over kept connections, each host with its own trust. */
export interface HttpClient {
  /** Follows redirects; credentials do not follow to another host. @throws Node's errors, the abort reason */
  send(ask: Ask): Promise<Answer>;
  close(): void;
}

/** @param isInsecure - hosts whose certificates are not checked */
export function createHttpClient(trust: TrustOptions, isInsecure: (host: string) => boolean): HttpClient {
  const plain = new HttpAgent({ keepAlive: true, maxSockets: 8, timeout: silenceTimeoutMs });
  const secure = new Map<string, HttpsAgent>();
  const agentFor = (host: string) => {
    const known = secure.get(host);
    if (known !== undefined) return known;
    const agent = new HttpsAgent({
      keepAlive: true,
      maxSockets: 8,
      timeout: silenceTimeoutMs,
      secureContext: createSecureContext(trustFor(host, trust)), // once a host: reading all authorities takes 60 ms
      rejectUnauthorized: !isInsecure(host),
    });
    secure.set(host, agent);
    return agent;
  };

  const once = (ask: Ask) =>
    new Promise<Answer>((resolve, reject) => {
      const { method = 'GET', url, headers = {}, body, signal } = ask;
      const isSecure = url.protocol === 'https:';
      const options = { method, headers: { 'user-agent': 'tscompose', ...headers }, signal };
      const request = isSecure
        ? httpsRequest(url, { ...options, agent: agentFor(url.host) })
        : httpRequest(url, { ...options, agent: plain });
      const connecting = setTimeout(() => request.destroy(timedOut('connecting')), connectTimeoutMs);
      request.on('socket', (socket) => {
        const connected = () => clearTimeout(connecting);
        if (!socket.connecting) connected();
        else socket.once(isSecure ? 'secureConnect' : 'connect', connected);
      });
      request.on('timeout', () => request.destroy(timedOut('waiting for an answer')));
      request.on('error', (error) => {
        clearTimeout(connecting);
        reject(signal.aborted ? (signal.reason as Error) : error);
      });
      request.on('response', (response) => {
        clearTimeout(connecting);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response, url });
      });
      if (body === undefined || body instanceof Uint8Array) {
        request.end(body);
      } else {
        body.once('error', (error) => request.destroy(error));
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
        answer.body.resume();
        if (redirects === maxRedirects) throw new Error(`more than ${maxRedirects} redirects`);
        const url = new URL(location, current.url);
        if (!['http:', 'https:'].includes(url.protocol)) throw new Error(`a redirect to ${url.protocol}`);
        if (url.protocol === 'http:' && current.url.protocol === 'https:')
          throw new Error('a redirect from https to http');
        current = {
          ...current,
          url,
          headers: url.host === current.url.host ? (current.headers ?? {}) : withoutSecrets(current.headers),
        };
      }
    },
    close() {
      plain.destroy();
      for (const agent of secure.values()) agent.destroy();
    },
  };
}

/** The whole body as bytes. @throws `content/size-mismatch` above `maxBytes` */
export async function readBody({ body }: Answer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
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

/** Nobody listens there, or there is no such name: trying again at once is no use. */
export function isNotThere(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(errnoOf(error) ?? '');
}

function withoutSecrets(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

function timedOut(doing: string): Error {
  return Object.assign(new Error(`timed out ${doing}`), { code: 'ETIMEDOUT' });
}
