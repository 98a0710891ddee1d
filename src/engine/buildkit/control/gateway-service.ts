import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { type Call, type Methods, unary } from '../grpc/server.js';
import type { BuildKitParts } from '../parts.js';
import { nothing } from '../../../api/buildkit/common.js';
import { gatewaySolveRequest, gatewaySolveResponse, pongResponse, refRequest, returnRequest } from '../wire/control.js';
import type { Message } from '../../../api/buildkit/message.js';
import { runFrontend } from './frontend.js';
import type { Job, Jobs } from './jobs.js';
import { workerOf } from './worker.js';

/** What a client that steers its build may count on (BuildKit's frontend/gateway/pb/caps.go). */
const capabilities = [
  ...['solve.base', 'solve.inlinereturn', 'return', 'returnmap', 'proto.refarray', 'frontend.caps', 'frontend.inputs'],
  ...['gateway.solve.metadata', 'gateway.solve.evaluate', 'gateway.evaluate', 'gateway.warnings', 'importcaches'],
];

type ReturnRequest = typeof returnRequest extends Message<infer T> ? T : never;

/** moby.buildkit.v1.frontend.LLBBridge: a build steered by its client, which names it in a header. */
export function gatewayService(parts: BuildKitParts, jobs: Jobs): Methods {
  const path = (name: string): string => `/moby.buildkit.v1.frontend.LLBBridge/${name}`;
  const withJob = <T>(call: Call, work: (job: Job) => Promise<T>): Promise<T> => {
    const ref = call.metadata('buildkit-controlapi-buildid');
    if (ref === undefined) throw new GrpcFailure(grpcCode.invalidArgument, 'the call names no build');
    return jobs.with(ref, work);
  };
  return {
    [path('Ping')]: unary(nothing, pongResponse, () => ({
      frontendCaps: capabilities.map((id) => ({ id, enabled: true })),
      llbCaps: [{ id: 'exporter.image.attestations', enabled: true }],
      workers: [workerOf(parts)],
    })),
    [path('Solve')]: unary(gatewaySolveRequest, gatewaySolveResponse, (request, call) =>
      withJob(call, async (job) => {
        if (request.frontend === '' && request.definition.byteLength === 0) return { result: { ref: {} } };
        const wanted = {
          frontend: request.frontend,
          attributes: request.frontendOpt,
          hasDefinition: request.definition.byteLength > 0,
        };
        return { result: { ref: { id: job.keep(await runFrontend(parts, job, wanted, call.signal)) } } };
      }),
    ),
    // A result is whole when `Solve` answers.
    [path('Evaluate')]: unary(refRequest, nothing, ({ ref }, call) =>
      withJob(call, (job) => {
        if (ref !== '') job.result(ref);
        return Promise.resolve({});
      }),
    ),
    [path('Return')]: unary(returnRequest, nothing, (request, call) =>
      withJob(call, (job) => {
        settle(job, request);
        return Promise.resolve({});
      }),
    ),
  };
}

function settle(job: Job, { result, error }: ReturnRequest): void {
  if (error !== undefined) {
    const details = (error.details ?? []).map(({ typeUrl = '', value = new Uint8Array() }) => ({ typeUrl, value }));
    job.returned.reject(new GrpcFailure(error.code ?? grpcCode.unknown, error.message ?? 'the build failed', details));
    return;
  }
  try {
    const [only, second] = Object.values(result?.refs?.refs ?? {});
    if (second !== undefined) throw new GrpcFailure(grpcCode.unimplemented, 'this engine makes one result of a build');
    const id = (only ?? result?.ref)?.id ?? result?.refDeprecated ?? '';
    job.returned.resolve(id === '' ? undefined : job.result(id));
  } catch (failure) {
    job.returned.reject(failure);
  }
}
