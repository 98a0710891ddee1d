import { TscomposeError } from '../base/errors.js';
import type { Project } from '../compose/index.js';
import { buildGraph, checkHostPorts } from '../graph/index.js';
import { createContainers } from './create-containers.js';
import { decideService, type RecreatePolicy, type ServiceDecision } from './decide-service.js';
import { planImages } from './images.js';
import { isOrphan } from './names.js';
import { decideNetworks, networksOf } from './networks.js';
import type { ObservedState } from './observed-state.js';
import { oneOffNumber, withOneOff } from './one-off.js';
import type { ContainerRef, Plan } from './operation.js';
import { PlanBuilder } from './plan-builder.js';
import { throwAll } from './problems.js';
import { planProviders, withProvided } from './providers.js';
import { refuseUnsupported } from './unsupported.js';
import { reconnectOthers, replaceNetworks } from './replace-networks.js';
import { retireContainers } from './retire-containers.js';
import { selectForStart, type Selection } from './select.js';
import { warnVainExtensions } from './service-extension.js';
import { startContainers } from './start-containers.js';
import type { UpOptions } from './up-options.js';
import { UpState } from './up-state.js';
import { replaceVolumes } from './replace-volumes.js';
import { planVolumes } from './volumes.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/no-service-selected': { readonly profiles: readonly string[] };
  }
}

/**
 * What brings the engine from what it has to what the project says: images, networks, volumes, containers in
 * dependency order, then starts and waits. An unchanged project that runs plans to nothing.
 * Nothing else is touched before every image is there: a build that fails leaves no network or volume.
 * @throws `graph/cycle`, `graph/port-claimed-twice`, `plan/no-such-service`, `plan/no-service-selected`, `plan/image-missing`, `plan/external-network-missing`,
 * `plan/external-volume-missing`, `plan/name-claimed-twice`, `plan/unsupported-file`, `plan/read-only-file`,
 * `plan/provider-missing`, `plan/provider-option-missing`, `plan/model-runner-missing`, `problems/several`
 */
export function planUp(given: Project, observed: ObservedState, options: UpOptions = {}): Plan {
  const declared = options.oneOff === undefined ? given : withOneOff(given, options.oneOff);
  const builder = new PlanBuilder(declared.name);
  const project = withProvided(builder, declared, options.fetched);
  const graph = buildGraph(project);
  const selection = selectForStart(project, graph, options);
  if (selection.services.length === 0) throw nothingSelected(project);
  refuseUnsupported(project, selection.services, options);
  checkHostPorts(project, options.scale, selection.services);
  const images = planImages(builder, project, graph, selection.services, observed, options);
  const settled = [...images.stepOf.keys()].every((service) => {
    if (service === options.oneOff?.service) return true;
    return !observed.containers.some((container) => container.service === service && !container.oneOff);
  });
  if (images.uncertain || !settled) return builder.build(merged(options.fetched, images.fetched));

  builder.standOn(new Set([...images.stepOf.values(), ...images.hookSteps.values()])); // a build that fails leaves everything as it is
  if (planProviders(builder, project, graph, selection.services, observed, options.fetched))
    return builder.build(merged(options.fetched, images.fetched));
  const problems: TscomposeError[] = [];
  const networks = decideNetworks(builder, project, networksOf(project, selection.services), observed, problems);
  const volumes = planVolumes(builder, project, selection.services, observed, options, problems);
  throwAll(problems);
  const decisions = decideAll(project, observed, selection, options, namesOf(project, volumes.replaced));
  const facts = { builder, project, graph, observed, options, selection, decisions, images };
  const state = new UpState({ ...facts, volumes: volumes.steps });
  state.orphanSteps = planOrphans(state);
  replaceNetworks(state, networks);
  replaceVolumes(state, volumes);
  createContainers(state);
  reconnectOthers(state);
  retireContainers(state);
  if (options.noStart === undefined || options.noStart === false) {
    warnVainExtensions(builder, project, selection.services, observed);
    startContainers(state);
  }
  return builder.build();
}

/** Ids of containers that it stops and keeps, for `UpOptions.revive`. */
export function stoppedBy({ steps }: Plan): string[] {
  const removed = new Set(
    steps.flatMap(({ operation }) => (operation.kind === 'container.remove' ? idsOf(operation.container) : [])),
  );
  return steps
    .flatMap(({ operation }) => (operation.kind === 'container.stop' ? idsOf(operation.container) : []))
    .filter((id) => !removed.has(id));
}

function idsOf(container: ContainerRef): readonly string[] {
  return 'id' in container ? [container.id] : [];
}

function nothingSelected(project: Project): TscomposeError {
  const profiles = [...new Set(Object.values(project.disabledServices).flatMap((service) => service.profiles ?? []))];
  return new TscomposeError({
    code: 'plan/no-service-selected',
    message: 'no service selected',
    facts: { profiles: profiles.sort() },
    hint:
      profiles.length === 0
        ? 'the project has no services'
        : `all services belong to profiles; enable one with --profile: ${profiles.sort().join(', ')}`,
  });
}

function decideAll(
  project: Project,
  observed: ObservedState,
  { services, targets }: Selection,
  options: UpOptions,
  replacedVolumes: ReadonlySet<string>,
): Map<string, ServiceDecision> {
  const decided = new Map<string, ServiceDecision>();
  for (const service of services) {
    if (service === options.oneOff?.service) {
      const definition = project.model.services[service];
      if (definition === undefined) throw new Error(`bug: the project has no service ${service}`);
      decided.set(service, { service, definition, keep: [], replace: [], remove: [], create: [oneOffNumber] });
      continue;
    }
    const policy = policyOf(options, targets.has(service));
    decided.set(service, decideService({ project, observed, options, decided, replacedVolumes }, service, policy));
  }
  return decided;
}

function namesOf(project: Project, keys: readonly string[]): ReadonlySet<string> {
  return new Set(keys.map((key) => project.model.volumes?.[key]?.name ?? key));
}

function policyOf(options: UpOptions, target: boolean): RecreatePolicy {
  if (options.noRecreate === true) return 'never';
  const force = target
    ? options.forceRecreate === true || options.renewAnonVolumes === true
    : options.alwaysRecreateDeps === true;
  return force ? 'force' : 'diverged';
}

/** @returns the steps after which nothing of the orphans is in the way */
function planOrphans(state: UpState): number[] {
  const { builder, project, observed, options } = state.facts;
  const orphans = observed.containers.filter((container) => isOrphan(project, container));
  if (orphans.length === 0) return [];
  if (options.removeOrphans !== true) {
    // Who runs one-offs knows that they stay.
    const told = options.oneOff === undefined ? orphans : orphans.filter(({ oneOff }) => !oneOff);
    if (options.ignoreOrphans !== true && told.length > 0) {
      const names = told.map(({ name }) => name).sort();
      builder.warn(
        `Project ${project.name}`,
        `has containers of services that its files do not have: ${names.join(', ')}; --remove-orphans removes them`,
      );
    }
    return [];
  }
  return orphans.map((orphan) => {
    const { id, name, service } = orphan;
    const cause = `service ${service} is not in the project`;
    const stopped = state.stop(orphan, cause);
    const facts = { container: { id, name, service }, force: true, volumes: false };
    const removed = builder.add('container.remove', cause, facts, stopped);
    state.removeSteps.set(id, removed);
    return removed;
  });
}

function merged(
  before: UpOptions['fetched'],
  now: NonNullable<UpOptions['fetched']>,
): NonNullable<UpOptions['fetched']> {
  return {
    ...before,
    pulled: [...(before?.pulled ?? []), ...now.pulled],
    built: [...(before?.built ?? []), ...now.built],
  };
}
