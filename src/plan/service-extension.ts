import { TscomposeError } from '../base/errors.js';
import type { Project, Service } from '../compose/index.js';
import { edgesOf } from '../graph/index.js';
import { imageOf } from './names.js';
import type { ObservedState } from './observed-state.js';
import type { PlanBuilder } from './plan-builder.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/unknown-extension': { readonly service: string; readonly key: string };
  }
}

/** Our own attribute of services; docker compose and other tools pass over it. */
const extensionKey = 'x-tscompose';

/** Its members: what the engine is to do by itself. */
const members: readonly string[] = ['restart_unhealthy', 'restart_with_dependencies', 'hooks_on_restart'];

export interface ServiceExtension {
  readonly restartUnhealthy: boolean;
  readonly restartWithDependencies: boolean;
  readonly hooksOnRestart: boolean;
}

/** What is asked for; anything that cannot be understood counts as not. */
export function extensionOf(service: Service): ServiceExtension {
  const given = membersOf(service[extensionKey]);
  return {
    restartUnhealthy: truth(given['restart_unhealthy']) === true,
    restartWithDependencies: truth(given['restart_with_dependencies']) === true,
    hooksOnRestart: truth(given['hooks_on_restart']) === true,
  };
}

/** What is wrong with it: nobody should believe to be protected by a word that is misspelt. */
export function extensionProblems(project: Project, service: string, definition: Service): TscomposeError[] {
  const extension = definition[extensionKey];
  if (extension === undefined || extension === null) return [];
  const problem = (key: string, message: string): TscomposeError =>
    new TscomposeError({
      code: 'plan/unknown-extension',
      message: `service "${service}": ${message}`,
      facts: { service, key },
      hint: `${extensionKey} of a service has ${members.join(' and ')}, each true or false`,
      at: project.locate(['services', service, extensionKey, ...(key === '' ? [] : [key])]),
    });
  if (typeof extension !== 'object' || Array.isArray(extension)) return [problem('', `${extensionKey} is no mapping`)];
  const unknown = Object.entries(membersOf(extension)).flatMap(([key, value]) => {
    if (!members.includes(key)) return [problem(key, `${extensionKey} has no member ${key}`)];
    return truth(value) === undefined ? [problem(key, `${extensionKey}.${key} is neither true nor false`)] : [];
  });
  return extensionOf(definition).hooksOnRestart ? [...unknown, ...secretHooks(project, service, definition)] : unknown;
}

/** The engine runs these hooks without us, and keeps no values. */
function secretHooks(project: Project, service: string, definition: Service): TscomposeError[] {
  return (['post_start', 'pre_stop'] as const).flatMap((phase) =>
    (definition[phase] ?? []).flatMap((hook, index) => {
      if (Object.keys(hook.environment ?? {}).length === 0) return [];
      return [
        new TscomposeError({
          code: 'plan/unknown-extension',
          message: `service "${service}": the engine cannot run ${phase}[${index}], which has an environment of its own`,
          facts: { service, key: 'hooks_on_restart' },
          hint: 'put its variables into the environment of the service, or leave hooks_on_restart out',
          at: project.locate(['services', service, phase, index, 'environment']),
        }),
      ];
    }),
  );
}

/** What is asked for and cannot come: nothing gives the service up, or nothing it needs is one to follow. */
export function warnVainExtensions(
  builder: PlanBuilder,
  project: Project,
  services: readonly string[],
  { images }: Pick<ObservedState, 'images'>,
): void {
  for (const name of services) {
    const service = project.model.services[name];
    if (service?.[extensionKey] === undefined) continue;
    const { restartUnhealthy, restartWithDependencies } = extensionOf(service);
    const warn = (key: string, why: string): void => {
      const at = project.locate(['services', name, extensionKey, key]);
      builder.warn(`Service ${name}`, `asks for ${key} in vain: ${why}`, at);
    };
    const { healthcheck } = service;
    const off = healthcheck?.disable === true || healthcheck?.test?.[0] === 'NONE';
    // An image that is not there yet may have one.
    const none = healthcheck?.test === undefined && images[imageOf(project, name, service)]?.hasHealthCheck === false;
    if (restartUnhealthy && (off || none)) warn('restart_unhealthy', 'it has no health check');
    const follows = edgesOf(project, name, service).some(({ restart }) => restart);
    if (restartWithDependencies && !follows) {
      warn('restart_with_dependencies', 'nothing that it needs has restart: true');
    }
  }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Variables leave texts. */
function truth(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' || value === null || value === '' ? false : undefined;
}
