import type { PlanStep } from '../plan/index.js';

/**
 * Starts every step at once; `start` first awaits the runs its step comes after. The first failure cancels the rest.
 * Settles only when nothing is running any more.
 * @throws the first failure, or the reason of `signal`
 */
export async function walk(
  steps: readonly PlanStep[],
  start: (step: PlanStep, runs: ReadonlyMap<number, Promise<void>>, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const group = new AbortController();
  const inside = AbortSignal.any([signal, group.signal]);
  const runs = new Map<number, Promise<void>>();
  for (const step of steps) {
    const run = start(step, runs, inside);
    run.catch((failure: unknown) => {
      group.abort(failure);
    });
    runs.set(step.id, run);
  }
  const outcomes = await Promise.allSettled(runs.values());
  if (outcomes.some(({ status }) => status === 'rejected')) inside.throwIfAborted();
}
