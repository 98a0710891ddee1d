import { hasCode, isFailure, TscomposeError } from '../../../base/errors.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { asGrpcFailure, type FailureDetail, GrpcFailure, grpcCode } from '../grpc/failure.js';

/** Where a build fails clients show the lines of its Dockerfile. */
export interface FailurePlace {
  readonly dockerfile: { readonly name: string; readonly text: string } | undefined;
  /** Digest of the vertex that failed. */
  readonly vertex: string | undefined;
}

const details = 'github.com/moby/buildkit';
/** Longer ones are not sent along: they would not fit the trailers of a call. */
const maxSourceBytes = 256 << 10;

/** A failure's text for a client: BuildKit's for a command that failed, otherwise ours with its causes and hint. */
export function failureText(error: unknown): string {
  if (hasCode(error, 'build/step-failed')) {
    const { command, exitCode } = error.facts;
    return `process "${command}" did not complete successfully: exit code: ${exitCode}`;
  }
  if (!(error instanceof Error)) return String(error);
  const own = error.message;
  const because = error.cause instanceof Error ? failureText(error.cause) : '';
  const text = `${own}${because === '' || own.includes(because) ? '' : `: ${because}`}`;
  // A cause may have brought the same hint.
  const hint = error instanceof TscomposeError && error.hint !== undefined ? ` (${error.hint})` : '';
  return text.includes(hint) ? text : `${text}${hint}`;
}

/** A build's failure as the status of a call, with what clients need to show its place. */
export function buildFailure(error: unknown, { dockerfile, vertex }: FailurePlace): GrpcFailure {
  if (error instanceof GrpcFailure) return error;
  if (!isFailure(error)) return asGrpcFailure(error);
  const at = placeOf(error);
  const found: FailureDetail[] = [];
  if (at !== undefined && dockerfile?.name === at.file && dockerfile.text.length < maxSourceBytes) {
    found.push(
      detail('errdefs.Source', {
        info: {
          filename: dockerfile.name,
          data: Buffer.from(dockerfile.text).toString('base64'),
          language: 'Dockerfile',
        },
        ranges: [{ start: { line: at.line }, end: { line: at.line } }],
      }),
    );
  }
  if (vertex !== undefined) found.push(detail('errdefs.Vertex', { digest: vertex }));
  if (hasCode(error, 'build/step-failed')) found.push(detail('gatewayapi.ExitMessage', { Code: error.facts.exitCode }));
  return new GrpcFailure(grpcCode.unknown, failureText(error), found, { cause: error });
}

function placeOf(error: TscomposeError): SourceLocation | undefined {
  if (error.at !== undefined) return error.at;
  return hasCode(error, 'problems/several') ? error.facts.problems[0]?.at : undefined;
}

/** BuildKit's details are JSON in a protobuf Any. */
function detail(type: string, value: unknown): FailureDetail {
  return { typeUrl: `${details}/${type}+json`, value: Buffer.from(JSON.stringify(value)) };
}
