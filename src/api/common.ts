import type { SourceLocation } from '../base/source-location.js';

/** `docker-compose` says npipe and cluster too; Linux engines do not. */
export type MountType = 'bind' | 'volume' | 'tmpfs' | 'image' | 'npipe' | 'cluster';

export interface PortBinding {
  /** Empty: all addresses. */
  HostIp?: string;
  /** Decimal, a range `8000-8010`, or empty for an ephemeral port. */
  HostPort?: string;
}

/** Keyed by `80/tcp`. */
export type PortMap = Record<string, PortBinding[] | null>;

/** Body of every answer with a status of 400 and above. */
export interface ErrorBody extends FailureDetails {
  message: string;
}

/** What only the embedded engine tells of a failure, beside the message; no other client looks at it. */
export interface FailureDetails {
  readonly code?: string;
  readonly hint?: string;
  /** A relative file, such as a Dockerfile, is meant from the root of the build context. */
  readonly at?: SourceLocation;
}

/** The details in a body from outside; what has another shape is left out. */
export function failureDetails(body: object): FailureDetails {
  const members = body as Readonly<Record<string, unknown>>;
  const { code, hint, at } = members;
  return {
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof hint === 'string' ? { hint } : {}),
    ...(isLocation(at) ? { at } : {}),
  };
}

function isLocation(value: unknown): value is SourceLocation {
  if (typeof value !== 'object' || value === null) return false;
  const { file, line, column } = value as Readonly<Record<string, unknown>>;
  return typeof file === 'string' && typeof line === 'number' && typeof column === 'number';
}

/** `{"label":{"a=b":true}}` on the wire; the legacy list form is accepted as well. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface IdResponse {
  Id: string;
}
