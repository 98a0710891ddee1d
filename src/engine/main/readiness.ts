import { closeSync, writeSync } from 'node:fs';
import type { EngineReadiness } from '../../api/tscompose.js';
import { isFailure, messageOf } from '../../base/errors.js';

/** Tells who started the engine, once, whether it serves. Nothing happens where nobody waits, or waits no more. */
export interface Readiness {
  ready(facts: { readonly socket: string }): void;
  failed(error: unknown): void;
}

export function openReadiness(fd: number | undefined): Readiness {
  let open = fd;
  const tell = (line: EngineReadiness) => {
    if (open === undefined) return;
    try {
      writeSync(open, `${JSON.stringify(line)}\n`);
      closeSync(open);
    } catch {
      // EPIPE: the one who started us went away; EBADF: there never was one
    }
    open = undefined;
  };
  return {
    ready: ({ socket }) => tell({ ready: true, pid: process.pid, socket }),
    failed: (error) => tell({ error: failureOf(error) }),
  };
}

function failureOf(error: unknown): { code: string; message: string; hint?: string } {
  const reasons = chainOf(error);
  const message = reasons.map(messageOf).join(': ');
  if (!isFailure(error)) return { code: 'engine/failed', message };
  return { code: error.code, message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

function chainOf(error: unknown): unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...chainOf(error.cause)] : [error];
}
