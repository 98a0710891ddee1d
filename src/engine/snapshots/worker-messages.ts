import { type ErrorCode, type ErrorFacts, TscomposeError } from '../../base/errors.js';
import type { Job } from './jobs.js';

/** To the worker. One job at a time. */
export type ToWorker =
  | { readonly kind: 'job'; readonly job: Job; readonly hasInput: boolean }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'input-end' }
  | { readonly kind: 'input-failed'; readonly error: SentError }
  | { readonly kind: 'abort' };

/** From the worker. `pull` asks for one more chunk, and gives back the memory of one that was read. */
export type FromWorker =
  | { readonly kind: 'pull'; readonly used?: ArrayBuffer }
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: SentError };

/** An error that keeps its code on its way between threads. */
export interface SentError {
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly facts?: unknown;
  readonly hint?: string | undefined;
}

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const own = error instanceof TscomposeError ? { facts: error.facts as unknown, hint: error.hint } : {};
  return { message: error.message, stack: error.stack, code, ...own };
}

export function receiveError({ message, stack, code, facts, hint }: SentError): Error {
  if (code !== undefined && facts !== undefined) {
    // Both ends are this program: a code with facts was a TscomposeError on the other side.
    return new TscomposeError({ code: code as ErrorCode, message, facts: facts as ErrorFacts[ErrorCode], hint });
  }
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}
