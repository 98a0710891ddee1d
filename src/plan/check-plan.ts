import type { ContainerRef, Operation, Plan } from './operation.js';
import { stepsNeededBy } from './placeholders.js';

/**
 * What must hold of every plan; an empty list is a good plan. Meant for tests and for reports of bugs: a text here is
 * a fault of ours, never of the user.
 */
export function checkPlan(plan: Plan): string[] {
  const faults: string[] = [];
  const before = new Map<number, Set<number>>();
  const seen = new Map<string, number>();
  const created = new Map<number, Operation>();
  for (const [index, { id, operation, after }] of plan.steps.entries()) {
    if (id !== index + 1) faults.push(`step ${id} stands at place ${index + 1}`);
    const all = new Set<number>();
    for (const other of after) {
      if (other >= id || other < 1) faults.push(`step ${id} comes after ${other}`);
      all.add(other);
      for (const earlier of before.get(other) ?? []) all.add(earlier);
    }
    before.set(id, all);
    if (operation.kind === 'container.create') created.set(id, operation);
    for (const needed of idsNeeded(operation)) {
      if (!all.has(needed))
        faults.push(`step ${id} (${operation.kind}) needs step ${needed}, but does not come after it`);
    }
    for (const ref of containersOf(operation)) {
      if ('step' in ref && created.get(ref.step) === undefined)
        faults.push(`step ${id} uses step ${ref.step}, which creates nothing`);
    }
    checkLife(operation, id, seen, all, faults);
  }
  return faults;
}

/** Stopped, removed and started at most once, nothing after the removal, stop before remove, stop before start. */
function checkLife(
  operation: Operation,
  id: number,
  seen: Map<string, number>,
  before: ReadonlySet<number>,
  faults: string[],
): void {
  if (operation.kind === 'container.wait') return;
  for (const ref of containersOf(operation)) {
    const who = 'id' in ref ? ref.id : `step ${ref.step}`;
    const removed = seen.get(`container.remove ${who}`);
    if (removed !== undefined)
      faults.push(`step ${id} (${operation.kind}) uses ${ref.name}, removed by step ${removed}`);
    const once = ['container.stop', 'container.remove', 'container.start', 'container.rename'];
    const key = `${operation.kind} ${who}`;
    if (once.includes(operation.kind) && seen.has(key))
      faults.push(`step ${id} repeats ${operation.kind} of ${ref.name}`);
    const stop = seen.get(`container.stop ${who}`);
    if (stop !== undefined && !before.has(stop) && ['container.remove', 'container.start'].includes(operation.kind)) {
      faults.push(`step ${id} (${operation.kind} of ${ref.name}) does not wait for its stop, step ${stop}`);
    }
    seen.set(key, id);
  }
}

function containersOf(operation: Operation): readonly ContainerRef[] {
  if ('container' in operation) return [operation.container];
  return operation.kind === 'container.wait' ? operation.containers : [];
}

/** Steps whose result this operation carries or works on. */
function idsNeeded(operation: Operation): number[] {
  const refs = containersOf(operation).flatMap((ref) => ('step' in ref ? [ref.step] : []));
  if (operation.kind === 'container.wait') return []; // waits for starts, which need the creates
  const texts =
    operation.kind === 'container.create' ? stepsNeededBy([operation.request, operation.hashInput ?? '']) : [];
  const replaced = operation.kind === 'image.build' && operation.insteadOf !== undefined ? [operation.insteadOf] : [];
  return [...refs, ...texts, ...replaced];
}
