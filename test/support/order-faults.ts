import type { Project } from '../../src/compose/index.js';
import { buildGraph } from '../../src/graph/index.js';
import type { ContainerRef, Operation, Plan, PlanStep } from '../../src/plan/index.js';

/**
 * What an `up` must never do, whatever it finds; an empty list is a good plan.
 * - A service starts after the starts, and the waits, of what it needs.
 * - A replaced container stops before its replacement starts; nothing is taken down before every image is there.
 * - No volume is removed, nor the anonymous volumes of a container.
 */
export function orderFaults(plan: Plan, project: Project, noDeps = false): string[] {
  const faults: string[] = [];
  const before = reachability(plan);
  const comesAfter = (later: PlanStep, earlier: PlanStep) => before.get(later.id)?.has(earlier.id) === true;
  const starts = (service: string) => plan.steps.filter((step) => startOf(step.operation)?.service === service);
  for (const { from, to, condition, required } of buildGraph(project).edges) {
    if (noDeps) break;
    for (const start of starts(from)) {
      for (const needed of starts(to)) {
        if (!comesAfter(start, needed)) faults.push(`${from} (step ${start.id}) does not start after ${to}`);
      }
      if (condition === 'service_started' || starts(to).length === 0) continue;
      const waits = plan.steps.filter(
        ({ operation }) =>
          operation.kind === 'container.wait' && operation.service === to && operation.required === required,
      );
      if (!waits.some((wait) => comesAfter(start, wait))) {
        faults.push(`${from} (step ${start.id}) starts without a wait for ${to}: ${condition}`);
      }
    }
  }
  const images = plan.steps.filter(({ operation }) => /^image\.(pull|build)$/.test(operation.kind));
  for (const step of plan.steps) {
    const { operation } = step;
    if (operation.kind === 'volume.remove') faults.push(`step ${step.id} removes volume ${operation.volume}`);
    if (operation.kind === 'container.remove' && operation.volumes) {
      faults.push(`step ${step.id} removes the anonymous volumes of ${operation.container.name}`);
    }
    if (['container.stop', 'container.remove', 'network.remove', 'network.create'].includes(operation.kind)) {
      for (const image of images) {
        if (!comesAfter(step, image))
          faults.push(`step ${step.id} (${operation.kind}) does not wait for step ${image.id}`);
      }
    }
  }
  return faults;
}

function startOf(operation: Operation): ContainerRef | undefined {
  return operation.kind === 'container.start' ? operation.container : undefined;
}

/** All steps each step comes after, directly or not. */
function reachability({ steps }: Plan): ReadonlyMap<number, ReadonlySet<number>> {
  const before = new Map<number, ReadonlySet<number>>();
  for (const { id, after } of steps) {
    before.set(id, new Set(after.flatMap((other) => [other, ...(before.get(other) ?? [])])));
  }
  return before;
}
