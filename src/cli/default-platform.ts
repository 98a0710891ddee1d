import { TscomposeError } from '../base/errors.js';
import type { Project, Service } from '../compose/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/wrong-default-platform': { readonly service: string; readonly platform: string };
  }
}

const variable = 'DOCKER_DEFAULT_PLATFORM';

/**
 * The project with services that name no platform on the one of `DOCKER_DEFAULT_PLATFORM`: for pulls, builds, creation
 * and the config hash, but not for what `config` prints.
 * @throws `cli/wrong-default-platform` for a service that is built for others only
 */
export function onDefaultPlatform(project: Project): Project {
  const platform = project.environment[variable];
  if (platform === undefined || platform === '') return project;
  const placed = (services: Readonly<Record<string, Service>>): Record<string, Service> =>
    Object.fromEntries(
      Object.entries(services).map(([name, service]) => [name, place(project, name, service, platform)]),
    );
  return {
    ...project,
    model: { ...project.model, services: placed(project.model.services) },
    disabledServices: placed(project.disabledServices),
  };
}

function place(project: Project, name: string, service: Service, platform: string): Service {
  if (service.platform !== undefined || service.provider !== undefined) return service;
  const { platforms = [] } = service.build ?? {};
  if (platforms.length > 0 && !platforms.includes(platform)) {
    const at = project.locate(['services', name, 'build', 'platforms']);
    throw new TscomposeError({
      code: 'cli/wrong-default-platform',
      message: `service "${name}" build.platforms does not support value set by ${variable}: ${platform}`,
      facts: { service: name, platform },
      ...(at === undefined ? {} : { at }),
      hint: `add ${platform} to build.platforms, or unset ${variable}`,
    });
  }
  return { ...service, platform };
}
