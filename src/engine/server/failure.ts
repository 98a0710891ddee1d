import type { ErrorBody, FailureDetails } from '../../api/common.js';
import { errnoOf, type ErrorCode, type ErrorFacts, hasCode, isFailure, messageOf } from '../../base/errors.js';

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
  | 'project'
  | 'registry'
  | 'request'
  | 'sys'
  | 'trust'
  | 'tool'
  | 'volume';
type EngineCode = Extract<ErrorCode, `${Room}/${string}`>;

/** HTTP status of every failure, as dockerd has it. Anything without a code is a bug of ours: 500. */
const statuses: Readonly<Record<EngineCode, number>> = {
  'build/bad-attestation': 400,
  'build/bad-archive': 400,
  'build/bad-cache': 400,
  'build/bad-copy': 400,
  'build/bad-epoch': 400,
  'build/bad-platform': 400,
  'build/no-emulation': 400,
  'build/bad-ignore-file': 400,
  'build/base-image-missing': 404,
  'build/base-not-locked': 400,
  'build/checksum-mismatch': 400,
  'build/context-missing': 400,
  'build/dockerfile-empty': 400,
  'build/dockerfile-missing': 400,
  'build/download-failed': 400,
  'build/lint': 400,
  'build/not-a-repository': 400,
  'build/not-entitled': 403,
  'build/secret-missing': 400,
  'build/source-missing': 400,
  'build/ssh-missing': 400,
  'build/step-failed': 400,
  'build/syntax': 400,
  'build/unknown-instruction': 400,
  'build/unknown-owner': 400,
  'build/unknown-stage': 400,
  'container/ambiguous': 400,
  'container/cannot-overwrite': 400,
  'container/exec-failed': 400,
  'container/invalid-config': 400,
  'container/invalid-filter': 400,
  'container/invalid-name': 400,
  'container/invalid-signal': 400,
  'container/mount-missing': 400,
  'container/id-map-refused': 400,
  'container/name-in-use': 409,
  'container/no-log': 501,
  'container/not-a-directory': 400,
  'container/not-found': 404,
  'container/not-paused': 409,
  'container/not-running': 409,
  'container/other-platform': 404,
  'container/path-not-found': 404,
  'container/paused': 409,
  'container/read-only': 403,
  'container/removing': 409,
  'container/restarting': 409,
  'container/running': 409,
  'container/start-failed': 500,
  'container/stop-failed': 500,
  'content/digest-mismatch': 500,
  'content/not-found': 500,
  'content/size-mismatch': 500,
  'exec/already-run': 409,
  'exec/not-found': 404,
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
  'layer/no-space': 500,
  'layer/not-found': 500,
  'layer/too-many': 500,
  'network/address-in-use': 403,
  'network/addresses-exhausted': 500,
  'network/ambiguous': 400,
  'network/configuration': 403,
  'network/driver-missing': 404,
  'network/endpoint-exists': 403,
  'network/in-use': 403,
  'network/invalid': 400,
  'network/name-in-use': 409,
  'network/no-configuration': 404,
  'network/no-free-port': 500,
  'network/no-free-subnet': 500,
  'network/not-connected': 500,
  'network/not-found': 404,
  'network/overlap': 403,
  'network/port-denied': 500,
  'network/port-in-use': 500,
  'network/predefined': 403,
  'oci/create-failed': 500,
  'oci/invalid-option': 400,
  'oci/no-default-profile': 500,
  'oci/no-init': 500,
  'oci/no-monitor': 500,
  'oci/no-runtime': 500,
  'oci/runtime-failed': 500,
  'oci/shared-mounts': 500,
  'oci/unknown-group': 400,
  'oci/unknown-user': 400,
  'project/bad-graph': 400,
  'project/not-found': 404,
  'registry/access-denied': 404,
  'registry/bad-settings': 500,
  'registry/failed': 500,
  'registry/manifest-unknown': 404,
  'registry/no-platform': 404,
  'registry/unauthorized': 401,
  'registry/unreachable': 500,
  'request/bad-body': 400,
  'request/bad-parameter': 400,
  'request/forbidden': 403,
  'request/no-plugin': 404,
  'request/no-route': 404,
  'request/no-swarm': 503,
  'request/too-large': 413,
  'request/unsupported': 501,
  'request/version': 400,
  'sys/no-overlay': 500,
  'sys/call-failed': 500,
  'sys/unsupported': 500,
  'tool/failed': 500,
  'tool/missing': 500,
  'trust/bad-key': 403,
  'trust/bad-policy': 403,
  'trust/not-signed': 403,
  'trust/refused': 403,
  'volume/in-use': 409,
  'volume/invalid-filter': 400,
  'volume/invalid-name': 400,
  'volume/invalid-option': 400,
  'volume/mount-failed': 500,
  'volume/not-found': 404,
  'volume/unknown-driver': 404,
};

type Wording = { readonly [Code in EngineCode]?: (facts: ErrorFacts[Code]) => string };

/** Texts that clients show as dockerd's or look for; all other failures keep their own message. */
const wording: Wording = {
  'image/not-found': ({ reference }) => `No such image: ${reference}`,
};

export function statusOf(error: unknown): number {
  // What the image or the command is to blame for is the client's, not ours (docker run then exits with 126 or 127).
  if (hasCode(error, 'container/start-failed') && error.facts.exitCode < 128) return 400;
  return isFailure(error) ? ((statuses as Partial<Record<string, number>>)[error.code] ?? 500) : 500;
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
  if (!isFailure(error)) return messageOf(error);
  const { code, facts, message } = error;
  // The table ties each code to its own facts; looked up by a code that is only known here, it needs a wider type.
  const words = (wording as Partial<Record<string, (facts: unknown) => string>>)[code];
  return words?.(facts) ?? message;
}

/** `message` is the Engine API's; our own client also reads the details. */
export function failureBody(error: unknown): ErrorBody {
  return { message: describe(error), ...detailsOf(error) };
}

/** What the user can do about a disk, whichever room ran into it. */
const diskHints: Readonly<Record<string, string>> = {
  ENOSPC:
    'make room where the folders lie that "tscompose engine status" names: "docker system prune", with its socket as DOCKER_HOST, removes what nobody uses',
  EDQUOT:
    'the quota of the file system with the folders that "tscompose engine status" names is used up: raise it, or make room',
  EROFS:
    'the folders that "tscompose engine status" names must be writable: the kernel remounts a broken disk read-only, and says so in dmesg',
};

/** Of the error or of what caused it. */
function diskHint(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return diskHints[errnoOf(error) ?? ''] ?? diskHint(error.cause);
}

export function detailsOf(error: unknown): FailureDetails {
  const disk = diskHint(error);
  if (!isFailure(error)) return disk === undefined ? {} : { hint: disk };
  const { code, hint = disk, at } = error;
  return { code, ...(hint === undefined ? {} : { hint }), ...(at === undefined ? {} : { at }) };
}
