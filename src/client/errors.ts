import { failureDetails, type FailureDetails } from '../api/common.js';
import { hasCode, TscomposeError } from '../base/errors.js';

export type ResourceKind = 'container' | 'image' | 'network' | 'volume' | 'exec';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** Nothing answers at `host`, or the connection broke before an answer. */
    'engine/unreachable': { readonly host: string; readonly errno: string | undefined };
    /** `host` cannot be understood or used. */
    'engine/bad-host': { readonly host: string };
    /** The engine answered with a status of 400 and above; `message` is its own prose, not for branching. */
    'engine/response': {
      readonly status: number;
      readonly message: string;
      readonly method: string;
      /** Without version prefix and query. */
      readonly path: string;
      /** What the route is about, so that a 404 says what is missing. */
      readonly resource: ResourceKind | undefined;
      /** The embedded engine's own code for it; other engines have none. */
      readonly engineCode: string | undefined;
    };
    /** A pull, build or the like failed after its stream began. `exitCode` is that of a failed build step. */
    'engine/stream-failed': {
      readonly message: string;
      readonly method: string;
      readonly path: string;
      readonly exitCode: number | undefined;
    };
    /** The answer is not what the Engine API promises. */
    'engine/protocol': { readonly method: string; readonly path: string };
  }
}

/** An answer with status 404 of a route about one thing: it does not exist. */
export function isNotFound(error: unknown): error is TscomposeError<'engine/response'> {
  return hasCode(error, 'engine/response') && error.facts.status === 404;
}

/** An answer with status 409: the state of the thing forbids it, or the name is taken. */
export function isConflict(error: unknown): error is TscomposeError<'engine/response'> {
  return hasCode(error, 'engine/response') && error.facts.status === 409;
}

const kinds: readonly (readonly [prefix: string, kind: ResourceKind])[] = [
  ['/containers/', 'container'],
  ['/exec/', 'exec'],
  ['/images/', 'image'],
  ['/networks/', 'network'],
  ['/volumes/', 'volume'],
];

/** Turns the body of a failed answer into our error. */
export function responseError(
  method: string,
  path: string,
  status: number,
  body: string,
): TscomposeError<'engine/response'> {
  const { prose, code, hint, at } = readBody(body);
  const message = prose || `the engine answered ${status} to ${method} ${path}`;
  const resource = kinds.find(([prefix]) => path.startsWith(prefix))?.[1];
  const facts = { status, message, method, path, resource, engineCode: code };
  return new TscomposeError({ code: 'engine/response', message, facts, hint, at });
}

interface FailureText extends FailureDetails {
  readonly prose: string;
}

/** `{"message":"…"}`, or plain text from proxies and very old engines. Ours adds details. */
function readBody(body: string): FailureText {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string') {
      return { prose: value.message.trim(), ...failureDetails(value) };
    }
  } catch {
    // not JSON: the text itself is the message
  }
  return { prose: body.trim().slice(0, 1_000) };
}

export function unreachable(host: string, cause: NodeJS.ErrnoException): TscomposeError<'engine/unreachable'> {
  const hint = hints[cause.code ?? ''];
  return new TscomposeError({
    code: 'engine/unreachable',
    message: `cannot reach the engine at ${host}`,
    facts: { host, errno: cause.code },
    hint,
    cause,
  });
}

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'is it running?',
  ECONNREFUSED: 'is it running?',
  EACCES: 'this user may not open its socket: run the command with sudo',
  ENOTFOUND: 'the host name is not known',
  ETIMEDOUT: 'the host does not answer',
};
