import type { ExecCreateRequest, ExecInspect, ExecStartRequest } from '../api/container.js';
import type { IdResponse } from '../api/common.js';
import type { Connection } from './connection.js';
import { attach, type AttachedStream } from './streams.js';

export interface ExecClient {
  create(containerId: string, request: ExecCreateRequest, signal: AbortSignal): Promise<IdResponse>;
  /** Starts it with its streams attached. Its exit code is in `inspect` once the output has ended. */
  start(id: string, request: Omit<ExecStartRequest, 'Detach'>, signal: AbortSignal): Promise<AttachedStream>;
  startDetached(id: string, request: Omit<ExecStartRequest, 'Detach'>, signal: AbortSignal): Promise<void>;
  resize(id: string, size: { rows: number; columns: number }, signal: AbortSignal): Promise<void>;
  inspect(id: string, signal: AbortSignal): Promise<ExecInspect>;
}

export function execClient(connection: Connection): ExecClient {
  const at = (id: string, action: string) => `/exec/${encodeURIComponent(id)}/${action}`;
  return {
    create: (containerId, json, signal) =>
      connection.json({ method: 'POST', path: `/containers/${encodeURIComponent(containerId)}/exec`, json }, signal),
    start: (id, request, signal) =>
      attach(
        connection,
        { method: 'POST', path: at(id, 'start'), json: { ...request, Detach: false } },
        request.Tty ?? false,
        signal,
      ),
    startDetached: (id, request, signal) =>
      connection.done({ method: 'POST', path: at(id, 'start'), json: { ...request, Detach: true } }, signal),
    resize: (id, { rows, columns }, signal) =>
      connection.done({ method: 'POST', path: at(id, 'resize'), query: { h: rows, w: columns } }, signal),
    inspect: (id, signal) => connection.json({ method: 'GET', path: at(id, 'json') }, signal),
  };
}
