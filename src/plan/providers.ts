import { TscomposeError } from '../base/errors.js';
import type { NodePath, Project, Service } from '../compose/index.js';
import type { ServiceGraph } from '../graph/index.js';
import type { ObservedProvider, ObservedState, ProviderAction } from './observed-state.js';
import type { OperationOf } from './operation.js';
import type { PlanBuilder } from './plan-builder.js';
import { attempted, throwAll } from './problems.js';
import type { ServiceStops } from './stop-order.js';
import type { Fetched } from './up-options.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/provider-missing': { readonly service: string; readonly type: string };
    /** The provider's own description says that it cannot do without the option. */
    'plan/provider-option-missing': { readonly service: string; readonly type: string; readonly option: string };
    'plan/model-runner-missing': { readonly service: string; readonly model: string };
  }
}

type ProviderRun = Omit<OperationOf<'provider.run'>, 'kind' | 'cause'>;

/**
 * One step for each provider and model that the services get their variables from and that this run has not asked yet.
 * Providers of needed services come along even without dependencies: their variables are part of the service itself.
 * @returns whether there are any; what comes next then waits for what they say
 * @throws `plan/provider-missing`, `plan/provider-option-missing`, `plan/model-runner-missing`, `problems/several`
 */
export function planProviders(
  builder: PlanBuilder,
  project: Project,
  graph: ServiceGraph,
  services: readonly string[],
  observed: ObservedState,
  fetched: Fetched | undefined,
): boolean {
  const needed = services.flatMap((service) => graph.needs(service).map(({ to }) => to));
  const wanted = [...new Set([...needed.filter((service) => !services.includes(service)), ...services])];
  const problems: TscomposeError[] = [];
  const steps = new Map<string, number>();
  for (const service of wanted) {
    if (fetched?.provided?.[service] !== undefined) continue;
    const run = attempted(problems, () => providerRun(project, service, observed, 'up'));
    if (run === undefined) continue;
    const before = graph.needs(service).flatMap(({ to }) => steps.get(to) ?? []);
    steps.set(service, builder.add('provider.run', 'what it provides is asked for', run, before));
  }
  const models = attempted(problems, () => planModels(builder, project, services, observed, fetched)) ?? 0;
  throwAll(problems);
  return steps.size + models > 0;
}

/**
 * How the provider of a service is called; undefined for a service that has none, and for a `stop` that its provider
 * does not say it knows.
 * @throws `plan/provider-missing`, `plan/provider-option-missing`
 */
function providerRun(
  project: Project,
  service: string,
  observed: ObservedState,
  action: ProviderAction,
): ProviderRun | undefined {
  const provider = project.model.services[service]?.provider;
  if (provider === undefined) return undefined;
  const { type, options = {} } = provider;
  const found = type === 'compose' ? undefined : observed.providers?.[type];
  if (found === undefined && action === 'stop') return undefined; // it has nothing running then
  if (found === undefined) throw missingProvider(project, service, type);
  const parameters = parametersOf(found, action);
  if (parameters === 'no such action') return undefined;
  for (const { name, required } of parameters ?? []) {
    if (!required || options[name] !== undefined) continue;
    throw new TscomposeError({
      code: 'plan/provider-option-missing',
      message: `service "${service}" does not say "${name}", which its provider "${type}" needs`,
      facts: { service, type, option: name },
      hint: `set services.${service}.provider.options.${name}`,
      at: project.locate(['services', service, 'provider', 'options']),
    });
  }
  const passed = Object.entries(options).filter(
    ([name]) => parameters === undefined || parameters.some((parameter) => parameter.name === name),
  );
  const flags = passed.flatMap(([name, values]) => values.map((value) => `--${name}=${value}`));
  const args = ['compose', `--project-name=${project.name}`, action, ...flags, service];
  return { service, type, action, program: found.program, args };
}

function parametersOf(
  { actions }: ObservedProvider,
  action: ProviderAction,
): readonly { readonly name: string; readonly required: boolean }[] | undefined | 'no such action' {
  if (action === 'stop') return actions?.stop ?? 'no such action';
  return actions === undefined ? undefined : (actions[action] ?? []);
}

function missingProvider(project: Project, service: string, type: string): TscomposeError<'plan/provider-missing'> {
  return new TscomposeError({
    code: 'plan/provider-missing',
    message:
      type === 'compose'
        ? `service "${service}" has "compose" as its provider, which is none`
        : `service "${service}" needs the provider "${type}", which is not installed`,
    facts: { service, type },
    ...(type === 'compose'
      ? {}
      : { hint: `install docker-${type} as a plugin of the docker CLI, or put ${type} in the PATH` }),
    at: project.locate(['services', service, 'provider', 'type']),
  });
}

/**
 * For `inStopOrder`: releases (`down`) or pauses (`stop`) what providers stand for. Nothing where the project is known by
 * name alone.
 * @param services - undefined: all
 * @returns steps are also put into `steps`; `visit` throws `plan/provider-missing`, `plan/provider-option-missing`
 */
export function stopProviders(
  builder: PlanBuilder,
  project: Project,
  observed: ObservedState,
  action: 'down' | 'stop',
  services: ReadonlySet<string> | undefined,
): ServiceStops & { readonly steps: readonly number[] } {
  const steps: number[] = [];
  const provided = Object.entries(project.model.services).filter(([, { provider }]) => provider !== undefined);
  return {
    steps,
    services: provided.map(([service]) => service).filter((service) => services?.has(service) !== false),
    visit: (service, after) => {
      const run = providerRun(project, service, observed, action);
      if (run === undefined) return undefined;
      const step = builder.add('provider.run', action, run, after);
      steps.push(step);
      return step;
    },
  };
}

/** @returns how many */
function planModels(
  builder: PlanBuilder,
  project: Project,
  services: readonly string[],
  observed: ObservedState,
  fetched: Fetched | undefined,
): number {
  const asked = new Set<string>();
  for (const service of services) {
    for (const key of Object.keys(project.model.services[service]?.models ?? {})) {
      const model = project.model.models?.[key];
      if (model === undefined || asked.has(key) || fetched?.endpoints?.[key] !== undefined) continue;
      const runner = observed.providers?.['model'];
      if (runner?.isPlugin !== true) throw missingRunner(project, service, key);
      asked.add(key);
      const { context_size: contextSize = 0, runtime_flags: runtimeFlags = [] } = model;
      const facts = { key, model: model.model, program: runner.program, contextSize, runtimeFlags };
      builder.add('model.provide', `${service} uses it`, facts);
    }
  }
  return asked.size;
}

function missingRunner(project: Project, service: string, model: string): TscomposeError<'plan/model-runner-missing'> {
  const path: NodePath = ['services', service, 'models', model];
  return new TscomposeError({
    code: 'plan/model-runner-missing',
    message: `service "${service}" uses the model "${model}", and the docker CLI has no plugin that runs models`,
    facts: { service, model },
    hint: 'install docker-model as a plugin of the docker CLI',
    at: project.locate(path),
  });
}

/** The project with what providers and models brought in the environment of the services that depend on them. */
export function withProvided(builder: PlanBuilder, project: Project, fetched: Fetched | undefined): Project {
  const { provided = {}, endpoints = {} } = fetched ?? {};
  if (Object.keys(provided).length + Object.keys(endpoints).length === 0) return project;
  const services = Object.entries(project.model.services).map(([service, definition]): [string, Service] => {
    const variables = { ...modelVariables(project, definition, endpoints) };
    for (const from of Object.keys(definition.depends_on ?? {})) {
      for (const { name, value, raw } of provided[from] ?? []) {
        const own = raw ? name : `${from.toUpperCase()}_${name}`;
        const declared = definition.environment?.[own];
        if (raw && declared !== undefined && declared !== value) {
          const at = project.locate(['services', service, 'environment', own]);
          builder.warn(`Service ${service}`, `has its variable ${own} set by provider ${from}`, at);
        }
        variables[own] = value;
      }
    }
    if (Object.keys(variables).length === 0) return [service, definition];
    return [service, { ...definition, environment: { ...definition.environment, ...variables } }];
  });
  return { ...project, model: { ...project.model, services: Object.fromEntries(services) } };
}

function modelVariables(
  project: Project,
  { models = {} }: Service,
  endpoints: Readonly<Record<string, string>>,
): Record<string, string> {
  const variables = Object.entries(models).flatMap(([key, names]) => {
    const model = project.model.models?.[key]?.model;
    const endpoint = endpoints[key];
    if (model === undefined || endpoint === undefined) return [];
    const prefix = key.toUpperCase().replaceAll('-', '_');
    return [
      [names?.model_var ?? `${prefix}_MODEL`, model],
      [names?.endpoint_var ?? `${prefix}_URL`, endpoint],
    ] as const;
  });
  return Object.fromEntries(variables);
}
