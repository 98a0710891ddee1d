import { stopInOrder } from './replace-networks.js';
import { isUp, type UpState } from './up-state.js';
import { volumeRequest, type PlannedVolumes } from './volumes.js';

/**
 * Removes volumes that are to lose their data, and makes them anew. No engine removes a volume that a container has,
 * running or not: those that mount it go first, and are created again.
 */
export function replaceVolumes(state: UpState, { steps, replaced }: PlannedVolumes): void {
  const { builder, project, observed } = state.facts;
  for (const key of replaced) {
    const definition = project.model.volumes?.[key];
    if (definition === undefined) throw new Error(`bug: the project has no volume ${key}`);
    const { name } = definition;
    const cause = `volume ${key} has another definition now`;
    const attached = observed.containers.filter(({ mounts }) => mounts.some((mount) => mount.name === name));
    const stop = stopInOrder(state, attached, cause);
    const gone = attached.map(({ id, name: own, service, ...rest }) => {
      const known = state.removeSteps.get(id);
      if (known !== undefined) return known;
      const after = isUp({ id, name: own, service, ...rest }) ? stop(service) : [];
      const facts = { container: { id, name: own, service }, force: true, volumes: false };
      const step = builder.add('container.remove', cause, facts, after);
      state.removeSteps.set(id, step);
      return step;
    });
    const removed = builder.add('volume.remove', cause, { volume: name, whenUnused: false }, gone);
    const request = volumeRequest(project.name, key, definition);
    steps.set(key, builder.add('volume.create', cause, { volume: name, request }, [removed]));
  }
}
