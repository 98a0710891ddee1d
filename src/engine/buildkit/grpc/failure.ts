import { messageOf } from '../../../base/errors.js';
import { rpcStatus } from '../../../api/buildkit/common.js';

/** Codes of gRPC (grpc/doc/statuscodes.md) that are used here. */
export const grpcCode = {
  ok: 0,
  canceled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

export interface FailureDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** A call that ended with another status than OK, on either side. */
export class GrpcFailure extends Error {
  readonly code: number;
  readonly details: readonly FailureDetail[];

  constructor(code: number, message: string, details: readonly FailureDetail[] = [], options?: ErrorOptions) {
    super(message, options);
    this.name = 'GrpcFailure';
    this.code = code;
    this.details = details;
  }
}

export function asGrpcFailure(error: unknown): GrpcFailure {
  return error instanceof GrpcFailure
    ? error
    : new GrpcFailure(grpcCode.unknown, messageOf(error), [], { cause: error });
}

/** The trailers that say how a call ended. Details go in binary with the code and the message once more. */
export function trailersOf(failure: GrpcFailure | undefined): Record<string, string> {
  if (failure === undefined) return { 'grpc-status': '0' };
  const { code, message, details } = failure;
  const withDetails = rpcStatus.encode({ code, message, details });
  return {
    'grpc-status': String(code),
    'grpc-message': percentEncoded(message),
    ...(details.length === 0 ? {} : { 'grpc-status-details-bin': Buffer.from(withDetails).toString('base64') }),
  };
}

/** @returns undefined for OK */
export function failureOf(trailers: Readonly<Record<string, unknown>>): GrpcFailure | undefined {
  const status = trailers['grpc-status'];
  if (status === undefined) return new GrpcFailure(grpcCode.unavailable, 'the call ended without a status');
  const code = Number(status);
  if (code === grpcCode.ok) return undefined;
  const message = trailers['grpc-message'];
  const shown = typeof message === 'string' ? percentDecoded(message) : `status ${code}`;
  return new GrpcFailure(code, shown, detailsOf(trailers['grpc-status-details-bin']));
}

function detailsOf(header: unknown): FailureDetail[] {
  if (typeof header !== 'string') return [];
  const { details } = rpcStatus.decode(Buffer.from(header, 'base64'));
  return details.map(({ typeUrl = '', value = new Uint8Array() }) => ({ typeUrl, value }));
}

/** grpc/doc/PROTOCOL-HTTP2.md, "Percent-Encoded": everything but printable ASCII, and the percent sign. */
function percentEncoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('');
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // as it came rather than not at all
  }
}
