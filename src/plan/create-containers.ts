import { parseLink } from '../graph/index.js';
import type { ServiceDecision } from './decide-service.js';
import { containerName, isTemporaryName, temporaryName } from './names.js';
import type { ObservedContainer } from './observed-state.js';
import type { ContainerRef } from './operation.js';
import { reconnect } from './replace-networks.js';
import { containerRequest } from './request/container-request.js';
import { networkKeys } from './request/endpoints.js';
import { ignoredFileOptions, injectedFiles } from './request/files.js';
import type { FinalContainer, UpState } from './up-state.js';

/** Creates new and replacing containers, needed services first; what it makes of each service is in `state.finals`. */
export function createContainers(state: UpState): void {
  for (const [service, decision] of state.facts.decisions) {
    const finals: FinalContainer[] = [];
    state.finals.set(service, finals);
    for (const existing of decision.keep) {
      const name = isTemporaryName(existing.name) ? expectedName(state, service, existing.number) : existing.name;
      const ref: ContainerRef = { name, service, id: existing.id };
      finals.push({ ref, number: existing.number, existing, ready: [] });
    }
    for (const { ready, existing } of finals) {
      if (existing !== undefined) ready.push(...reconnect(state, service, existing));
    }
    sweep(state, decision);
    for (const { old, cause } of decision.replace) finals.push(create(state, service, old.number, cause, old));
    const cause = state.oneOffOf(service) === undefined ? 'is not there' : 'asked to run';
    for (const number of decision.create) finals.push(create(state, service, number, cause, undefined));
    warnAboutFiles(state, service, decision.replace.length + decision.create.length);
  }
}

/** Remains of replacements that were cut short: the next ones need their names. */
function sweep(state: UpState, { service, remove }: ServiceDecision): void {
  for (const { old, cause } of remove) {
    if (!isTemporaryName(old.name) || state.removeSteps.has(old.id)) continue;
    const stopped = state.stop(old, cause);
    const facts = { container: { id: old.id, name: old.name, service }, force: true, volumes: false };
    state.removeSteps.set(old.id, state.facts.builder.add('container.remove', cause, facts, stopped));
  }
}

function create(
  state: UpState,
  service: string,
  number: number,
  cause: string,
  old: ObservedContainer | undefined,
): FinalContainer {
  const { builder } = state.facts;
  const { context, needed } = state.requestContext(service, number, old);
  const { definition, finalName } = context;
  const { request, hashInput } = containerRequest(context);
  const makesWay = old === undefined || state.removeSteps.has(old.id);
  const name = makesWay ? finalName : temporaryName(old.id, finalName);
  const holder = state.facts.observed.containers.find((container) => container.name === name);
  const freed = holder === undefined ? undefined : state.removeSteps.get(holder.id);
  const after = [...needed, ...resourcesNeeded(state, service)];
  if (freed !== undefined) after.push(freed);
  const facts = { service, number, name, finalName, request, hashInput, platform: definition.platform };
  const step = builder.add('container.create', cause, facts, after);
  const ref: ContainerRef = { name: finalName, service, step };
  if (old !== undefined) state.replacements.set(old.id, step);
  const files = injectedFiles(context);
  const ready = [
    files.length === 0
      ? step
      : builder.add('container.upload', 'configs and secrets', { container: ref, files }, [step]),
  ];
  return { ref, number, existing: undefined, ready };
}

function resourcesNeeded(state: UpState, service: string): number[] {
  const definition = state.definition(service);
  const networks = networkKeys(definition).map((key) => state.networkSteps.get(key));
  const volumes = (definition.volumes ?? []).map(({ source }) => state.facts.volumes.get(source ?? ''));
  const image = state.facts.images.stepOf.get(service);
  // The engine looks a linked container up by its name, when the one that links is created.
  const linked = (definition.links ?? []).flatMap((link) => {
    return state.finalsOf(parseLink(link).service).flatMap(({ ref }) => ('step' in ref ? [ref.step] : []));
  });
  const steps = [...networks, ...volumes, image, ...linked, ...state.orphanSteps];
  return steps.filter((step) => step !== undefined);
}

function warnAboutFiles(state: UpState, service: string, made: number): void {
  if (made === 0) return;
  const { project, builder } = state.facts;
  for (const { message, index, kind } of ignoredFileOptions({
    project,
    service,
    definition: state.definition(service),
  })) {
    builder.warn(`Service ${service}`, message, project.locate(['services', service, `${kind}s`, index]));
  }
}

/** The name a kept container should have; it differs when an earlier replacement was cut short. */
export function expectedName(state: UpState, service: string, number: number): string {
  return containerName(state.facts.project, service, number, state.definition(service));
}
