import { expectedName } from './create-containers.js';
import { isTemporaryName } from './names.js';
import type { ObservedContainer } from './observed-state.js';
import { isUp, restartsAlong, type UpState } from './up-state.js';

/**
 * Stops and removes what is replaced or too many, dependents before what they need, and gives replacements their
 * final names. A replacement exists before the old container stops, so a failed create leaves the old one running.
 */
export function retireContainers(state: UpState): void {
  const { decisions, builder } = state.facts;
  for (const [service, decision] of [...decisions].reverse()) {
    const dependents = stopDependents(state, service);
    for (const { old, cause } of decision.remove) {
      if (state.removeSteps.has(old.id)) continue;
      const { id, name } = old;
      const stopped = state.stop(old, cause, dependents);
      const facts = { container: { id, name, service }, force: false, volumes: false };
      state.removeSteps.set(id, builder.add('container.remove', cause, facts, stopped));
    }
    for (const { old } of decision.replace) {
      if (state.removeSteps.has(old.id)) continue;
      const cause = 'is replaced';
      const replacement = (state.finals.get(service) ?? []).find(
        ({ ref }) => 'step' in ref && ref.step === state.replacements.get(old.id),
      );
      if (replacement === undefined) throw new Error(`bug: nothing replaces ${old.name}`);
      const created = [...replacement.ready];
      const stopped = state.stop(old, cause, [...created, ...dependents]);
      const container = { id: old.id, name: old.name, service };
      const removed = builder.add('container.remove', cause, { container, force: true, volumes: false }, [
        ...stopped,
        ...created,
      ]);
      state.removeSteps.set(old.id, removed);
      replacement.ready.push(
        builder.add(
          'container.rename',
          'takes the place of the old one',
          { container: replacement.ref, newName: replacement.ref.name },
          [removed],
        ),
      );
    }
    finishRenames(state, service, decision.keep);
  }
}

/** A kept container with a temporary name: an earlier run was cut short between create and rename. */
function finishRenames(state: UpState, service: string, keep: readonly ObservedContainer[]): void {
  for (const old of keep) {
    const newName = expectedName(state, service, old.number);
    if (old.name === newName || !isTemporaryName(old.name)) continue;
    const holders = state.facts.observed.containers.filter(({ name }) => name === newName);
    const after = holders.flatMap(({ id }) => state.removeSteps.get(id) ?? []);
    if (after.length < holders.length) continue;
    const container = { id: old.id, name: old.name, service };
    const renamed = state.facts.builder.add(
      'container.rename',
      'finishes a replacement that was cut short',
      { container, newName },
      after,
    );
    state.finals
      .get(service)
      ?.find(({ existing }) => existing?.id === old.id)
      ?.ready.push(renamed);
  }
}

/** Running containers whose services ask to be restarted with this one. @returns the steps that stop them */
function stopDependents(state: UpState, service: string): number[] {
  const { graph, decisions, options, selection } = state.facts;
  const decision = decisions.get(service);
  if (decision === undefined || decision.replace.length === 0) return [];
  return graph.neededBy(service).flatMap((edge) => {
    const { from } = edge;
    if (options.noStart === true && !selection.services.includes(from)) return []; // who only creates would not start it again
    const cause = `${service} is replaced`;
    const replaced = new Set(decisions.get(from)?.replace.map(({ old }) => old.id));
    return state.facts.observed.containers
      .filter((container) => container.service === from && !container.oneOff && isUp(container))
      .filter((container) => restartsAlong(edge, container))
      .flatMap((container) => {
        if (replaced.has(container.id)) return state.stop(container, cause);
        return state.stop(container, cause, stopDependentsOf(state, from));
      });
  });
}

/** Dependents of a service that is only restarted. */
function stopDependentsOf(state: UpState, service: string): number[] {
  return state.facts.graph.neededBy(service).flatMap((edge) => {
    const { from } = edge;
    return state.facts.observed.containers
      .filter((container) => container.service === from && !container.oneOff && isUp(container))
      .filter((container) => restartsAlong(edge, container))
      .flatMap((container) => state.stop(container, `${service} is restarted`, stopDependentsOf(state, from)));
  });
}
