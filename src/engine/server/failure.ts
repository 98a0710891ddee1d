import type { ErrorCode, ErrorFacts } from '../../base/errors.js';
import { messageOf, TscomposeError } from '../../base/errors.js';

/** Codes that can reach a client: those of the engine's rooms and of what they stand on. */
type Room =
  | 'build'
  | 'container'
  | 'content'
  | 'exec'
  | 'image'
  | 'layer'
  | 'network'
  | 'oci'
  | 'registry'
  | 'request'
  | 'sys'
  | 'tool'
  | 'volume';
type EngineCode = Extract<ErrorCode, `${Room}/${string}`>;

/** HTTP status of every failure. Anything without a code is a bug of ours: 500. */
const statuses: Partial<Record<EngineCode, number>> = {
  'build/bad-copy': 400,
  'build/base-image-missing': 404,
  'build/context-missing': 400,
  'build/dockerfile-empty': 400,
  'build/dockerfile-missing': 400,
  'build/source-missing': 400,
  'build/step-failed': 400,
  'build/syntax': 400,
  'build/unknown-instruction': 400,
  'build/unknown-stage': 400,
  'build/unsupported': 400,
  'content/digest-mismatch': 500,
  'content/not-found': 500,
  'content/size-mismatch': 500,
  'image/ambiguous': 400,
  'image/bad-archive': 400,
  'image/bad-document': 400,
  'image/in-use': 409,
  'image/invalid-change': 400,
  'image/invalid-filter': 400,
  'image/invalid-reference': 400,
  'image/not-found': 404,
  'layer/bad-archive': 400,
  'layer/digest-mismatch': 500,
  'layer/escapes-root': 400,
  'layer/in-use': 409,
  'layer/not-found': 500,
  'layer/too-many': 500,
  'registry/access-denied': 404,
  'registry/failed': 500,
  'registry/manifest-unknown': 404,
  'registry/no-platform': 404,
  'registry/unauthorized': 401,
  'registry/unreachable': 500,
  'request/bad-body': 400,
  'request/bad-parameter': 400,
  'request/forbidden': 403,
  'request/no-route': 404,
  'request/no-swarm': 503,
  'request/too-large': 413,
  'request/unsupported': 501,
  'request/version': 400,
  'sys/call-failed': 500,
  'tool/failed': 500,
  'tool/missing': 500,
};

type Wording = { readonly [Code in EngineCode]?: (facts: ErrorFacts[Code]) => string };

/** Texts that clients show as dockerd's or look for; all other failures keep their own message. */
const wording: Wording = {
  'image/not-found': ({ reference }) => `No such image: ${reference}`,
};

export function statusOf(error: unknown): number {
  return isOurs(error) ? ((statuses as Partial<Record<string, number>>)[error.code] ?? 500) : 500;
}

/** The message as clients see it, with those of its causes. */
export function describe(error: unknown): string {
  const text = ownText(error);
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return text;
  const reason = describe(cause);
  return reason === '' || text.includes(reason) ? text : `${text}: ${reason}`;
}

function ownText(error: unknown): string {
  if (error instanceof AggregateError) return [messageOf(error), ...error.errors.map(describe)].join('; ');
  if (!isOurs(error)) return messageOf(error);
  const { code, facts, message } = error;
  // The table ties each code to its own facts; looked up by a code that is only known here, it needs a wider type.
  const words = (wording as Partial<Record<string, (facts: unknown) => string>>)[code];
  return words?.(facts) ?? message;
}

/** `message` is the Engine API's; our own client also reads `code` and `hint`. */
export interface FailureBody {
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
}

export function failureBody(error: unknown): FailureBody {
  const message = describe(error);
  if (!isOurs(error)) return { message };
  const { code, hint } = error;
  return { message, code, ...(hint === undefined ? {} : { hint }) };
}

function isOurs(error: unknown): error is TscomposeError {
  return error instanceof TscomposeError;
}
