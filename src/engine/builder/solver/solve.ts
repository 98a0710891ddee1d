import { setMaxListeners } from 'node:events';
import type { Digest } from '../../../base/digest.js';
import type { LayerStore } from '../../snapshots/index.js';
import type { BuildCache } from './cache.js';
import type { Operation, Outcome, RunIo, Solved } from './operation.js';
import type { SharedRuns } from './shared-runs.js';
import { createSlots } from './slots.js';

export interface SolveObserver {
  /** The operation's inputs are there and its key is being looked at. */
  started(operation: Operation): void;
  /** It is not in the cache. */
  running(operation: Operation): void;
  output(operation: Operation, chunk: Buffer): void;
  solved(operation: Operation, solved: Solved): void | Promise<void>;
  /** `others`: it was stopped because something else failed or the build was canceled. */
  failed(operation: Operation, error: unknown, cause: 'own' | 'others'): void;
}

export interface SolveRequest {
  readonly targets: readonly Operation[];
  readonly cacheUse: 'read-write' | 'write';
  readonly observer: SolveObserver;
  /** Operations of this build that run at the same time. */
  readonly parallel: number;
  readonly signal: AbortSignal;
}

export interface SolverParts {
  readonly cache: BuildCache;
  readonly runs: SharedRuns;
  readonly layers: Pick<LayerStore, 'retain'>;
  readonly now: () => Date;
}

/**
 * Brings about the targets and all they need, each operation once, those that do not need each other at the same time.
 * Operations with one key are run once, whatever the cache is used for.
 * On the first failure the others are stopped and waited for. Layers stay until `release` is called.
 */
export async function solve(
  parts: SolverParts,
  request: SolveRequest,
): Promise<{ readonly solved: readonly Solved[]; readonly release: () => void }> {
  const { cache, runs, layers, now } = parts;
  const { observer, cacheUse } = request;
  const group = new AbortController();
  const signal = AbortSignal.any([request.signal, group.signal]);
  setMaxListeners(0, signal); // every operation under way has some
  const slots = createSlots(request.parallel);
  const releases: (() => void)[] = [];
  const release = (): void => {
    for (const undo of releases.splice(0)) undo();
  };
  const retain = ({ chainId }: Outcome): void => {
    if (chainId !== undefined) releases.push(layers.retain(chainId));
  };

  const byKey = new Map<Digest, Promise<Solved>>();
  const solveKey = async (operation: Operation, key: Digest, inputs: readonly Solved[], io: RunIo): Promise<Solved> => {
    const known = cacheUse === 'read-write' ? cache.get(key) : undefined;
    if (known !== undefined) {
      const { chainId, detail, createdAt } = known;
      return { chainId: chainId ?? undefined, detail: detail ?? undefined, key, source: 'cache', createdAt };
    }
    observer.running(operation);
    const outcome = await runs.join(
      key,
      async (runIo) => {
        const made = await operation.run(inputs, runIo);
        await cache.put(key, made, { description: operation.description, createdAt: now().toISOString() });
        return made;
      },
      io,
    );
    const createdAt = cache.get(key)?.createdAt ?? now().toISOString();
    return { ...outcome, key, source: 'run', createdAt };
  };

  const solveOne = async (operation: Operation): Promise<Solved> => {
    const inputs = await Promise.all(operation.inputs.map(visit));
    signal.throwIfAborted();
    observer.started(operation);
    try {
      const solved = await slots.take(async () => {
        const key = await operation.key(inputs, signal);
        signal.throwIfAborted();
        const io = { signal, onOutput: (chunk: Buffer) => observer.output(operation, chunk) };
        if (key === undefined) {
          const outcome = await operation.run(inputs, io);
          return { ...outcome, source: 'run', createdAt: now().toISOString() } satisfies Solved;
        }
        const twin = byKey.get(key);
        if (twin !== undefined) return { ...(await twin), source: 'cache' } satisfies Solved;
        const solving = solveKey(operation, key, inputs, io);
        byKey.set(key, solving);
        return await solving;
      });
      retain(solved);
      await observer.solved(operation, solved);
      return solved;
    } catch (error) {
      observer.failed(operation, error, signal.aborted ? 'others' : 'own');
      throw error;
    }
  };

  const visits = new Map<Operation, Promise<Solved>>();
  const visit = (operation: Operation): Promise<Solved> => {
    const known = visits.get(operation);
    if (known !== undefined) return known;
    const promise = solveOne(operation);
    promise.catch((failure: unknown) => group.abort(failure));
    visits.set(operation, promise);
    return promise;
  };

  try {
    return { solved: await Promise.all(request.targets.map(visit)), release };
  } catch (error) {
    await Promise.allSettled(visits.values());
    release();
    request.signal.throwIfAborted();
    throw group.signal.aborted ? group.signal.reason : error;
  }
}
