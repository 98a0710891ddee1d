import { once } from 'node:events';
import { CleanupStack } from '../../../base/cleanup-stack.js';
import { type CacheUsage, takesWhole } from '../../builder/index.js';
import { type ExporterRequest, exporterOf } from '../export/export.js';
import { cacheText } from '../frontend/attributes.js';
import { buildFailure } from '../frontend/failure.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { type Call, type Methods, serverStream, unary } from '../grpc/server.js';
import type { BuildKitParts } from '../parts.js';
import { statusResponse } from '../../../api/buildkit/status.js';
import { nothing, timestampOf } from '../../../api/buildkit/common.js';
import {
  diskUsageRequest,
  diskUsageResponse,
  historyRequest,
  infoResponse,
  listWorkersResponse,
  pruneRequest,
  solveRequest,
  solveResponse,
  statusRequest,
  usageRecord,
} from '../wire/control.js';
import type { Message } from '../../../api/buildkit/message.js';
import { cacheFilter, pruneChoiceOf } from './cache-filter.js';
import { runFrontend } from './frontend.js';
import type { Job, Jobs } from './jobs.js';
import { orAborted } from './promise-parts.js';
import { buildkitVersion, workerOf } from './worker.js';

type SolveRequest = typeof solveRequest extends Message<infer T> ? T : never;
type Usage = Partial<typeof usageRecord extends Message<infer T> ? T : never>;

/** moby.buildkit.v1.Control: builds, their progress, the build cache. */
export function controlService(parts: BuildKitParts, jobs: Jobs): Methods {
  const path = (name: string): string => `/moby.buildkit.v1.Control/${name}`;
  return {
    [path('ListWorkers')]: unary(nothing, listWorkersResponse, () => ({ record: [workerOf(parts)] })),
    [path('Info')]: unary(nothing, infoResponse, () => ({ version: buildkitVersion(parts.version) })),
    [path('Solve')]: unary(solveRequest, solveResponse, async (request, call) => ({
      exporterResponse: await jobs.with(request.ref, (job) => solve(parts, job, request, call)),
    })),
    [path('Status')]: serverStream(
      statusRequest,
      statusResponse,
      ({ ref }, { signal }, send) => jobs.with(ref, (job) => job.log.follow(send, signal)),
      () => ({ 'buildkit-current-timestamp': new Date().toISOString() }), // clients correct their clocks by it
    ),
    // Builds that have ended are not kept: there is nothing to tell until the caller has heard enough.
    [path('ListenBuildHistory')]: serverStream(historyRequest, nothing, async ({ earlyExit }, { signal }) => {
      if (!earlyExit && !signal.aborted) await once(signal, 'abort');
    }),
    [path('DiskUsage')]: unary(diskUsageRequest, diskUsageResponse, async ({ filter }) => {
      const matches = cacheFilter(filter) ?? (() => true);
      return { record: (await parts.builder()).diskUsage().filter(matches).map(usageOf) };
    }),
    [path('Prune')]: serverStream(pruneRequest, usageRecord, async (request, { signal }, send) => {
      const choice = pruneChoiceOf(request, Date.now());
      const builder = await parts.builder();
      const before = new Map(builder.diskUsage().map((entry) => [entry.id, usageOf(entry)]));
      const { removed } = await builder.prune(signal, choice);
      for (const id of removed) send(before.get(id) ?? { id });
      if (!takesWhole(choice, 'source.local')) return;
      const size = await (await parts.spools()).prune();
      if (size > 0) send({ id: 'local-contexts', size, recordType: 'source.local', description: 'folders of clients' });
    }),
  };
}

/** One build from its request to what the exporter says of it. */
async function solve(
  parts: BuildKitParts,
  job: Job,
  request: SolveRequest,
  call: Call,
): Promise<Readonly<Record<string, string>>> {
  const exporter = exporterRequestOf(request);
  const ended = new AbortController();
  const signal = AbortSignal.any([call.signal, ended.signal]);
  await using undo = new CleanupStack();
  try {
    const { output, run } = exporterOf(exporter);
    const session = await parts.sessions.get(request.session, signal);
    const { entitlements } = request;
    const cacheTo = (request.cache?.exports ?? []).map(cacheExport);
    job.begun.resolve({ session, entitlements, output, cacheTo, undo, signal });
    const isSteered = request.frontend === '' && request.definition.byteLength === 0;
    const result = isSteered
      ? await orAborted(job.returned.promise, signal)
      : await runFrontend(
          parts,
          job,
          {
            frontend: request.frontend,
            attributes: request.frontendAttrs,
            hasDefinition: request.definition.byteLength > 0,
          },
          signal,
        );
    if (result === undefined) return {};
    return await run(parts, result, exporter.attributes, { session, reports: job.reports, signal });
  } catch (error) {
    job.begun.reject(error);
    throw buildFailure(error, { dockerfile: undefined, vertex: undefined });
  } finally {
    ended.abort(new Error('the build has ended'));
    await job.end();
  }
}

/** The first of several: the clients that send more than one know the same one under the old name. */
function exporterRequestOf({ exporter, exporterAttrs, exporters }: SolveRequest): ExporterRequest {
  const [first] = exporters;
  return first === undefined
    ? { type: exporter, attributes: exporterAttrs }
    : { type: first.type ?? '', attributes: first.attrs ?? {} };
}

/** @throws GrpcFailure: what is left in a folder goes through the client, which keeps blobs there that nobody else reads */
function cacheExport({
  type = '',
  attrs = {},
}: {
  readonly type?: string;
  readonly attrs?: Record<string, string>;
}): string {
  if (type !== 'local') return cacheText(type, attrs);
  throw new GrpcFailure(
    grpcCode.unimplemented,
    'this engine does not export the cache to a folder of the client; it can to type=registry and type=inline',
  );
}

function usageOf(entry: CacheUsage): Usage {
  return {
    id: entry.id,
    size: entry.sizeBytes,
    inUse: false, // by a build: what an image has as well may go from the cache
    shared: entry.shared,
    createdAt: timestampOf(Date.parse(entry.createdAt)),
    lastUsedAt: timestampOf(Date.parse(entry.lastUsedAt)),
    usageCount: entry.useCount,
    description: entry.description,
    recordType: entry.type,
  };
}
