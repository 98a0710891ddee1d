import type { SourceLocation } from './source-location.js';

/**
 * Failures a caller may need to tell apart, with the facts each one carries. Codes are never renamed.
 * A room adds its own codes beside the code that throws them:
 * `declare module '../base/errors.js' { interface ErrorFacts { 'compose/unknown-key': { key: string } } }`.
 */
export interface ErrorFacts {
  'tool/failed': {
    readonly tool: string;
    readonly exitCode: number | undefined;
    readonly signal?: string | undefined;
    readonly stderr: string;
  };
  'tool/missing': { readonly tool: string };
  'usage/invalid': { readonly argument?: string };
  /** Several problems found in one go; each is a complete failure of its own. */
  'problems/several': { readonly problems: readonly TscomposeError[] };
}

export type ErrorCode = keyof ErrorFacts;

export interface ErrorInit<Code extends ErrorCode> {
  readonly code: Code;
  /** What was attempted on what, in the user's names: lower case, no full stop, without the text of `cause`. */
  readonly message: string;
  readonly facts: ErrorFacts[Code];
  /** The next move, when it is known. */
  readonly hint?: string | undefined;
  readonly at?: SourceLocation | undefined;
  readonly cause?: unknown;
}

/** A failure someone can act on. Branch on `code`, never on the message. */
export class TscomposeError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'TscomposeError';
  readonly code: Code;
  readonly facts: ErrorFacts[Code];
  readonly hint?: string;
  readonly at?: SourceLocation;

  constructor(init: ErrorInit<Code>) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.facts = init.facts;
    if (init.hint !== undefined) this.hint = init.hint;
    if (init.at !== undefined) this.at = init.at;
  }
}

/** A failure with a code, as opposed to a bug. `instanceof` alone leaves the code open to anything. */
export function isFailure(error: unknown): error is TscomposeError {
  return error instanceof TscomposeError;
}

export function hasCode<Code extends ErrorCode>(error: unknown, code: Code): error is TscomposeError<Code> {
  return error instanceof TscomposeError && error.code === code;
}

/** The message of anything thrown, without stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Anything thrown, or an abort reason, as something to reject with. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** `code` of a Node system error such as `ENOENT`; undefined for anything else. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
