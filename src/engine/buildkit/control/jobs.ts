import { randomBytes } from 'node:crypto';
import type { CleanupStack } from '../../../base/cleanup-stack.js';
import type { BuildResult } from '../../builder/index.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { StatusLog } from '../progress/status-log.js';
import { type VertexReports, vertexReports } from '../progress/vertexes.js';
import type { ClientSession } from '../session/sessions.js';
import { promiseParts } from './promise-parts.js';

/** What a `Solve` has set going: what calls about the same build work with. */
export interface SolveContext {
  readonly session: ClientSession;
  readonly entitlements: readonly string[];
  readonly output: 'image' | 'files';
  /** Where the steps are to be left for other builds, as a Compose file has it. */
  readonly cacheTo: readonly string[];
  /** Undone when the build has ended and nothing of it runs any more. */
  readonly undo: CleanupStack;
  readonly signal: AbortSignal;
}

/**
 * One build as its client names it. `Solve`, `Status` and the calls of a client that steers the build itself (its
 * "gateway") come side by side, in any order.
 */
export class Job {
  readonly ref: string;
  readonly log = new StatusLog();
  readonly reports: VertexReports;
  /** Settles when `Solve` has come. */
  readonly begun = promiseParts<SolveContext>();
  /** What the gateway has settled on; undefined: nothing at all. */
  readonly returned = promiseParts<BuildResult | undefined>();
  readonly #results = new Map<string, BuildResult>();
  readonly #running = new Set<Promise<unknown>>();

  constructor(ref: string) {
    this.ref = ref;
    this.reports = vertexReports(this.log, ref);
  }

  /** @returns the name under which the client may give it back */
  keep(result: BuildResult): string {
    const id = randomBytes(12).toString('hex');
    this.#results.set(id, result);
    return id;
  }

  /** @throws GrpcFailure */
  result(id: string): BuildResult {
    const result = this.#results.get(id);
    if (result === undefined) throw new GrpcFailure(grpcCode.notFound, `no such ref: ${id}`);
    return result;
  }

  /** Work that must have ended before the build's undo. */
  run<T>(work: Promise<T>): Promise<T> {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
    return tracked;
  }

  /** Says nothing more. Settles when nothing runs any more. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#running);
    this.log.end();
  }
}

/** Who asks for the progress of a build that has just ended still hears it. */
const keptMs = 5_000;

export class Jobs {
  readonly #jobs = new Map<string, { readonly job: Job; users: number }>();

  /** The build of that name while `work` is about it; it is made by whoever names it first. */
  async with<T>(ref: string, work: (job: Job) => Promise<T>): Promise<T> {
    const known = this.#jobs.get(ref) ?? { job: new Job(ref), users: 0 };
    this.#jobs.set(ref, known);
    known.users++;
    try {
      return await work(known.job);
    } finally {
      known.users--;
      setTimeout(() => {
        if (known.users === 0 && this.#jobs.get(ref) === known) this.#jobs.delete(ref);
      }, keptMs).unref();
    }
  }
}
