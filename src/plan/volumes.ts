import { composeLabels } from '../api/labels.js';
import type { VolumeCreateRequest } from '../api/volume.js';
import { TscomposeError } from '../base/errors.js';
import type { Project, VolumeDefinition } from '../compose/index.js';
import { volumeHash } from './config-hash.js';
import { volumeLabels } from './labels.js';
import type { ObservedState } from './observed-state.js';
import type { PlanBuilder } from './plan-builder.js';
import { compact } from './request/resources.js';
import type { UpOptions } from './up-options.js';

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

export interface PlannedVolumes {
  /** Steps that create volumes, by key. */
  readonly steps: Map<string, number>;
  /** Keys of those that have another definition now and are to lose their data. */
  readonly replaced: readonly string[];
}

/**
 * One step for each missing volume. A volume with another definition keeps its data unless `replaceVolumes` names it:
 * then there is a warning, and `outdatedVolumes` of the plan has those that could be replaced.
 * @param services - all that are brought up
 * @param problems - gets `plan/external-volume-missing`
 */
export function planVolumes(
  builder: PlanBuilder,
  project: Project,
  services: readonly string[],
  observed: ObservedState,
  options: Pick<UpOptions, 'replaceVolumes' | 'noRecreate'>,
  problems: TscomposeError[],
): PlannedVolumes {
  const steps = new Map<string, number>();
  const replaced: string[] = [];
  for (const key of volumesOf(project, services)) {
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
      if (hash === undefined || hash === volumeHash(definition)) continue;
      const users = observed.containers.filter(({ mounts }) => mounts.some((mount) => mount.name === name));
      const others = users.filter(({ service, oneOff }) => oneOff || !services.includes(service));
      const isFree = others.length === 0 && options.noRecreate !== true;
      if (isFree && options.replaceVolumes?.includes(name) === true) {
        replaced.push(key);
        continue;
      }
      if (isFree && options.replaceVolumes === undefined) builder.offer(name);
      const who = others.map((container) => container.name).sort();
      const why = who.length === 0 ? '' : `, which ${who.join(', ')} would lose`;
      builder.warn(`Volume ${name}`, `was made with another definition; it is kept with its data${why}`, at);
    }
  }
  return { steps, replaced };
}

export function volumeRequest(project: string, key: string, definition: VolumeDefinition): VolumeCreateRequest {
  return compact<VolumeCreateRequest>({
    Name: definition.name,
    Driver: definition.driver,
    DriverOpts: definition.driver_opts === undefined ? undefined : { ...definition.driver_opts },
    Labels: volumeLabels(project, key, definition.labels, volumeHash(definition)),
  });
}
