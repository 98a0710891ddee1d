import { TscomposeError } from '../base/errors.js';
import type { Project, ProjectModel, Service } from './model.js';
import { didYouMean } from './suggest.js';

export interface SelectOptions {
  readonly withDependencies: boolean;
}

type Services = Readonly<Record<string, Service>>;

/**
 * The project cut down to some services, by default along with what they depend on. Naming a service enables its
 * profiles. No names: the project as it is. Dependencies on services left out are dropped.
 * @throws `compose/unknown-service`
 */
export function selectServices(project: Project, names: readonly string[], options: SelectOptions): Project {
  if (names.length === 0) return project;
  const all: Services = together(project.disabledServices, project.model.services);
  const profiles = new Set(project.profiles);
  for (const name of names) {
    const service = all[name];
    if (service === undefined) throw unknownService(name, all);
    if (project.model.services[name] === undefined) for (const profile of service.profiles ?? []) profiles.add(profile);
  }
  const enabled = new Set<string>();
  const isActive = (service: Service): boolean =>
    (service.profiles ?? []).length === 0 ||
    profiles.has('*') ||
    (service.profiles ?? []).some((one) => profiles.has(one));
  const take = (name: string): void => {
    if (enabled.has(name)) return;
    const service = all[name];
    if (service === undefined) return;
    enabled.add(name);
    if (!options.withDependencies) return;
    for (const [dependency, { required }] of Object.entries(service.depends_on ?? {})) {
      const target = all[dependency];
      if (target !== undefined && (isActive(target) || project.model.services[dependency] !== undefined))
        take(dependency);
      else if (required) throw disabledDependency(name, dependency);
    }
  };
  for (const name of names) take(name);
  const services = Object.create(null) as Record<string, Service>;
  const disabled = Object.create(null) as Record<string, Service>;
  for (const name of Object.keys(all).sort()) {
    const service = all[name];
    if (service === undefined) continue;
    if (enabled.has(name)) services[name] = withDependenciesIn(service, enabled);
    else disabled[name] = service;
  }
  return withoutUnusedResources({
    ...project,
    model: { ...project.model, services },
    disabledServices: disabled,
    profiles: [...profiles],
  });
}

/** Sets aside the resources no enabled service uses. */
export function withoutUnusedResources(project: Project): Project {
  const used = usedResources(project.model);
  const model: Record<string, unknown> = { ...project.model };
  const unused: Record<string, unknown> = {};
  for (const section of ['networks', 'volumes', 'secrets', 'configs', 'models'] as const) {
    const all = together<unknown>(project.unusedResources[section], project.model[section]);
    const kept = pick(all, (name) => section === 'models' || used[section].has(name));
    const left = pick(all, (name) => section !== 'models' && !used[section].has(name));
    setOrDrop(model, section, kept);
    setOrDrop(unused, section, left);
  }
  return { ...project, model: model as unknown as ProjectModel, unusedResources: unused };
}

/** Names of the user's choice: no prototype stands behind them. */
function together<Value>(...parts: readonly (Readonly<Record<string, Value>> | undefined)[]): Record<string, Value> {
  return Object.assign(Object.create(null) as Record<string, Value>, ...parts) as Record<string, Value>;
}

function usedResources(
  model: ProjectModel,
): Record<'networks' | 'volumes' | 'secrets' | 'configs' | 'models', Set<string>> {
  const used = {
    networks: new Set<string>(),
    volumes: new Set<string>(),
    secrets: new Set<string>(),
    configs: new Set<string>(),
    models: new Set<string>(),
  };
  for (const service of Object.values(model.services)) {
    for (const name of Object.keys(service.networks ?? {})) used.networks.add(name);
    for (const mount of service.volumes ?? []) {
      if (mount.type === 'volume' && mount.source !== undefined) used.volumes.add(mount.source);
    }
    for (const secret of [...(service.secrets ?? []), ...(service.build?.secrets ?? [])])
      used.secrets.add(secret.source);
    for (const config of service.configs ?? []) used.configs.add(config.source);
  }
  return used;
}

function pick(all: Readonly<Record<string, unknown>>, wanted: (name: string) => boolean): Record<string, unknown> {
  const picked = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(all).sort()) if (wanted(name)) picked[name] = all[name];
  return picked;
}

function setOrDrop(target: Record<string, unknown>, key: string, value: Record<string, unknown>): void {
  if (Object.keys(value).length > 0) target[key] = value;
  else Reflect.deleteProperty(target, key);
}

function withDependenciesIn(service: Service, enabled: ReadonlySet<string>): Service {
  const { depends_on: dependsOn, ...rest } = service;
  if (dependsOn === undefined) return service;
  const kept = Object.entries(dependsOn).filter(([name]) => enabled.has(name));
  return kept.length === 0 ? rest : { ...rest, depends_on: together(Object.fromEntries(kept)) };
}

function unknownService(name: string, all: Services): TscomposeError {
  return new TscomposeError({
    code: 'compose/unknown-service',
    message: `no such service: ${name}`,
    facts: { service: name },
    hint: didYouMean(name, Object.keys(all)),
  });
}

function disabledDependency(service: string, dependency: string): TscomposeError {
  return new TscomposeError({
    code: 'compose/undefined-dependency',
    message: `service "${service}" depends on "${dependency}", which no active profile enables`,
    facts: { service, dependency },
    hint: 'activate one of its profiles with --profile',
  });
}
