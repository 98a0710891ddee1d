import { errnoOf, messageOf, TscomposeError } from '../base/errors.js';
import { objectOf } from './documents.js';
import type { Reference } from './reference.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** The registry does not know the repository, or not to us. */
    'registry/access-denied': { readonly repository: string };
    'registry/manifest-unknown': { readonly reference: string };
    'registry/no-platform': { readonly reference: string; readonly platform: string };
    'registry/unauthorized': { readonly registry: string };
    'registry/unreachable': { readonly registry: string; readonly url: string };
    'registry/failed': { readonly registry: string; readonly status: number; readonly body: string };
  }
}

/** `errors` of a registry's answer (distribution-spec, "Error codes"). */
export interface RegistryProblem {
  readonly code: string;
  readonly message: string;
}

const spoken: Readonly<Record<string, string>> = {
  DENIED: 'denied',
  UNAUTHORIZED: 'unauthorized',
  MANIFEST_UNKNOWN: 'manifest unknown',
  NAME_UNKNOWN: 'name unknown',
  TOOMANYREQUESTS: 'toomanyrequests',
};

function parseProblem(body: string): RegistryProblem | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined; // a proxy's page, or nothing
  }
  const errors = objectOf(value)?.['errors'];
  const first = Array.isArray(errors) ? objectOf(errors[0]) : undefined;
  const code = first?.['code'];
  const message = first?.['message'];
  return typeof code === 'string' ? { code, message: typeof message === 'string' ? message : '' } : undefined;
}

/** An answer that may be another one soon: too many requests, or a server's trouble. */
export class PassingTrouble extends Error {
  readonly retryAfter: string | undefined;

  constructor(message: string, retryAfter: string | undefined) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

export function isPassingStatus(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501);
}

export interface RefusedRequest {
  readonly registry: string;
  readonly reference: Reference;
  readonly status: number;
  readonly body: string;
  /** What was asked for decides what a 404 means. */
  readonly asked: 'manifest' | 'blob' | 'upload';
}

/** A refusal in Docker's words. */
export function refusal({ registry, reference, status, body, asked }: RefusedRequest): TscomposeError {
  const problem = parseProblem(body);
  const code = problem?.code ?? codeOf(status, asked);
  const cause = `${spoken[code] ?? code.toLowerCase()}: ${problem?.message || (defaultMessages[code] ?? `status ${status}`)}`;
  const repository = reference.familiarRepository;
  if (asked === 'manifest' && (code === 'DENIED' || code === 'UNAUTHORIZED')) {
    return new TscomposeError({
      code: 'registry/access-denied',
      message: `pull access denied for ${repository}, repository does not exist or may require 'docker login': ${cause}`,
      facts: { repository },
    });
  }
  if (asked === 'upload' && (code === 'DENIED' || code === 'UNAUTHORIZED')) {
    return new TscomposeError({ code: 'registry/access-denied', message: cause, facts: { repository } });
  }
  if (asked === 'manifest' && (code === 'MANIFEST_UNKNOWN' || code === 'NAME_UNKNOWN')) {
    const what = code === 'NAME_UNKNOWN' ? `repository ${repository}` : `manifest for ${reference.familiar}`;
    return new TscomposeError({
      code: 'registry/manifest-unknown',
      message: `${what} not found: ${cause}`,
      facts: { reference: reference.familiar },
    });
  }
  return new TscomposeError({
    code: 'registry/failed',
    message: `the registry ${registry} answered ${status} for ${reference.familiar}: ${problem === undefined ? body.trim().slice(0, 200) || 'nothing' : cause}`,
    facts: { registry, status, body: body.slice(0, 2_000) },
  });
}

const defaultMessages: Readonly<Record<string, string>> = {
  DENIED: 'requested access to the resource is denied',
  UNAUTHORIZED: 'authentication required',
  MANIFEST_UNKNOWN: 'manifest unknown',
};

function codeOf(status: number, asked: RefusedRequest['asked']): string {
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  if (status === 404 && asked === 'manifest') return 'MANIFEST_UNKNOWN';
  return `STATUS_${status}`;
}

export function unreachable(
  registry: string,
  url: string,
  reason: string,
  cause?: unknown,
): TscomposeError<'registry/unreachable'> {
  return new TscomposeError({
    code: 'registry/unreachable',
    message: `cannot reach the registry ${registry}: ${reason} (${url})`,
    facts: { registry, url },
    hint: 'is it running, and does this machine reach it? A plain-HTTP registry that is not local must be listed as insecure',
    cause,
  });
}

/** Why no answer came, in few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const errno = errnoOf(error);
  if (errno === 'ECONNREFUSED') return 'connection refused';
  if (errno === 'ENOTFOUND' || errno === 'EAI_AGAIN') return 'no such host';
  return messageOf(error);
}
