import { composeLabels } from '../api/labels.js';
import type { VolumeCreateRequest } from '../api/volume.js';
import { TscomposeError } from '../base/errors.js';
import type { Project, VolumeDefinition } from '../compose/index.js';
import { volumeHash } from './config-hash.js';
import { volumeLabels } from './labels.js';
import type { ObservedState } from './observed-state.js';
import type { PlanBuilder } from './plan-builder.js';
import { compact } from './request/resources.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/external-volume-missing': { readonly volume: string; readonly name: string };
  }
}

/** Keys of the named volumes that services mount, sorted. */
export function volumesOf(project: Project, services: readonly string[]): string[] {
  const keys = services.flatMap((service) =>
    (project.model.services[service]?.volumes ?? []).flatMap(({ type, source }) =>
      type === 'volume' && source !== undefined && project.model.volumes?.[source] !== undefined ? [source] : [],
    ),
  );
  return [...new Set(keys)].sort();
}

/**
 * One step for each missing volume. A volume with another definition keeps its data: there is only a warning.
 * @returns steps by key
 * @param problems - gets `plan/external-volume-missing`
 */
export function planVolumes(
  builder: PlanBuilder,
  project: Project,
  keys: readonly string[],
  observed: ObservedState,
  problems: TscomposeError[],
): ReadonlyMap<string, number> {
  const steps = new Map<string, number>();
  for (const key of keys) {
    const definition = project.model.volumes?.[key];
    if (definition === undefined) throw new Error(`bug: the project has no volume ${key}`);
    const { name } = definition;
    const at = project.locate(['volumes', key]);
    const found = observed.volumes.find((volume) => volume.name === name);
    if (found === undefined && definition.external === true) {
      problems.push(
        new TscomposeError({
          code: 'plan/external-volume-missing',
          message: `volume "${name}" is declared as external, but is not there`,
          facts: { volume: key, name },
          hint: `create it with: docker volume create ${name}`,
          at,
        }),
      );
    } else if (found === undefined) {
      const request = volumeRequest(project.name, key, definition);
      steps.set(key, builder.add('volume.create', 'is not there', { volume: name, request }));
    } else if (definition.external !== true) {
      if (found.labels[composeLabels.project] !== project.name) {
        builder.warn(
          `Volume ${name}`,
          'is there already, but was not created for this project; it is used as it is',
          at,
        );
        continue;
      }
      const hash = found.labels[composeLabels.configHash];
      if (hash !== undefined && hash !== volumeHash(definition)) {
        builder.warn(`Volume ${name}`, 'was made with another definition; it is kept with its data', at);
      }
    }
  }
  return steps;
}

function volumeRequest(project: string, key: string, definition: VolumeDefinition): VolumeCreateRequest {
  return compact<VolumeCreateRequest>({
    Name: definition.name,
    Driver: definition.driver,
    DriverOpts: definition.driver_opts === undefined ? undefined : { ...definition.driver_opts },
    Labels: volumeLabels(project, key, definition.labels, volumeHash(definition)),
  });
}
