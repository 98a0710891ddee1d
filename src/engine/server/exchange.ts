import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { Query } from './query.js';
import type { ApiMinor } from './version.js';

/** One request and the means to answer it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The variable parts of the path, unescaped. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Readable;
  /** The API is 1.`minor` for this request. */
  readonly minor: ApiMinor;
  /** Fires when the client goes away or the engine ends: for what only this client waits for. */
  readonly client: AbortSignal;
  /** Fires when the engine ends: for changes, which a client that goes away does not leave half done. */
  readonly engine: AbortSignal;
  /** The raw connection of a request that asks for an upgrade. */
  readonly upgrade: Socket | undefined;
}

export type Handler = (exchange: Exchange) => Promise<void> | void;

/** A part of the path that the route's pattern has. */
export function param({ params }: Exchange, name: string): string {
  const value = params[name];
  if (value === undefined) throw new Error(`bug: the route has no {${name}}`);
  return value;
}

export function sendJson({ response }: Exchange, status: number, value: unknown): void {
  const text = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.byteLength });
  response.end(text);
}

export function sendStatus({ response }: Exchange, status: number): void {
  response.writeHead(status, status === 204 || status === 304 ? {} : { 'Content-Length': 0 });
  response.end();
}
