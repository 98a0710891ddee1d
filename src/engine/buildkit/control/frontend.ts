import type { BuildResult } from '../../builder/index.js';
import { runDockerfile } from '../frontend/run-dockerfile.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import type { BuildKitParts } from '../parts.js';
import type { Job } from './jobs.js';
import { orAborted } from './promise-parts.js';

export interface FrontendRequest {
  readonly frontend: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** A graph of operations instead. */
  readonly hasDefinition: boolean;
}

/** Runs a frontend for a build that has begun. @throws GrpcFailure; Dockerfiles are all that is built here */
export async function runFrontend(
  parts: BuildKitParts,
  job: Job,
  { frontend, attributes, hasDefinition }: FrontendRequest,
  calling: AbortSignal,
): Promise<BuildResult> {
  const context = await orAborted(job.begun.promise, calling);
  const isDockerfile =
    frontend === 'dockerfile.v0' ||
    (frontend === 'gateway.v0' && /^(?:docker\.io\/)?docker\/dockerfile(?:[:@]|$)/.test(attributes['source'] ?? ''));
  if (!isDockerfile) {
    const what = frontend === '' ? 'builds from a graph of operations (LLB)' : `the frontend ${frontend}`;
    throw new GrpcFailure(
      grpcCode.unimplemented,
      `this engine does not support ${hasDefinition ? 'builds from a graph of operations (LLB)' : what}`,
    );
  }
  const { session, entitlements, output, cacheTo, undo } = context;
  return await job.run(
    runDockerfile(parts, {
      attributes,
      entitlements,
      session,
      reports: job.reports,
      output,
      cacheTo,
      deliver: ({ images }) => {
        for (const { imageId, chainId } of images) {
          if (output === 'image') undo.defer(parts.images.retain(imageId));
          else if (chainId !== undefined) undo.defer(parts.layers.retain(chainId));
        }
        return Promise.resolve();
      },
      undo,
      signal: AbortSignal.any([context.signal, calling]),
    }),
  );
}
