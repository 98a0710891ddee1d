import { composeLabels } from '../api/labels.js';
import type { Project, Service } from '../compose/index.js';
import { replicasOf } from '../graph/index.js';
import { serviceHash } from './config-hash.js';
import { explainHash } from './differences.js';
import type { ObservedContainer, ObservedState } from './observed-state.js';
import { imageOf, isTemporaryName } from './names.js';
import { networkKeys } from './request/endpoints.js';
import { withContainerIds } from './request/container-request.js';
import type { UpOptions } from './up-options.js';

export type RecreatePolicy = 'diverged' | 'force' | 'never';

/** What becomes of the containers of one service. */
export interface ServiceDecision {
  readonly service: string;
  readonly definition: Service;
  readonly keep: readonly ObservedContainer[];
  readonly replace: readonly { readonly old: ObservedContainer; readonly cause: string }[];
  readonly remove: readonly { readonly old: ObservedContainer; readonly cause: string }[];
  /** Numbers of new replicas. */
  readonly create: readonly number[];
}

/** Stands for the id of a container that the plan creates. */
const unknownId = 'to be created';

export interface DecideContext {
  readonly project: Project;
  readonly observed: ObservedState;
  readonly options: UpOptions;
  /** Decisions of the services this one may share something with. */
  readonly decided: ReadonlyMap<string, ServiceDecision>;
  /** Names of volumes that are removed and made anew. */
  readonly replacedVolumes: ReadonlySet<string>;
}

export function decideService(context: DecideContext, service: string, policy: RecreatePolicy): ServiceDecision {
  const { project, observed, options } = context;
  const definition = project.model.services[service];
  if (definition === undefined) throw new Error(`bug: the project has no service ${service}`);
  const wanted = replicasOf(project, service, options.scale);
  const all = observed.containers
    .filter((container) => container.service === service && !container.oneOff && container.status !== 'removing')
    .map((old) => ({ old, cause: causeToReplace(context, service, definition, old, policy) }))
    // Up to date first, then by number: what is beyond the wanted count goes, so outdated ones go before good ones.
    .sort((a, b) => rank(a) - rank(b) || a.old.number - b.old.number || a.old.createdS - b.old.createdS);
  const judged = all.filter(({ old }, index) => all.findIndex((other) => other.old.number === old.number) === index);
  const doubles = all.filter((one) => !judged.includes(one));
  const staying = judged.slice(0, wanted);
  const highest = Math.max(0, ...judged.map(({ old }) => old.number));
  return {
    service,
    definition,
    keep: staying.filter(({ cause }) => cause === undefined).map(({ old }) => old),
    replace: staying.flatMap(({ old, cause }) => (cause === undefined ? [] : [{ old, cause }])),
    remove: [
      ...doubles.map(({ old }) => ({ old, cause: `another container is number ${old.number}` })),
      ...judged.slice(wanted).map(({ old }) => ({ old, cause: `scale is ${wanted}` })),
    ],
    create: Array.from({ length: Math.max(0, wanted - judged.length) }, (_, index) => highest + 1 + index),
  };
}

interface Judged {
  readonly old: ObservedContainer;
  readonly cause: string | undefined;
}

/** Of two outdated containers with one number the replacement that was cut short is the lesser. */
function rank({ old, cause }: Judged): number {
  return (cause === undefined ? 0 : 2) + (isTemporaryName(old.name) ? 1 : 0);
}

/** Undefined: the container is as it should be. */
function causeToReplace(
  context: DecideContext,
  service: string,
  definition: Service,
  old: ObservedContainer,
  policy: RecreatePolicy,
): string | undefined {
  const { project, observed } = context;
  if (policy === 'never') return undefined;
  const lost = old.mounts.find(({ name }) => name !== undefined && context.replacedVolumes.has(name));
  if (lost !== undefined) return `volume ${lost.name ?? ''} is made anew`;
  if (policy === 'force') return 'asked to replace';
  const expected = withContainerIds(
    definition,
    (other) => firstContainerId(context, other),
    (other) => (keepsNetwork(context, other, old) ? (old.joined?.named ?? '') : firstContainerId(context, other)),
  );
  if (old.labels[composeLabels.configHash] !== serviceHash(expected))
    return hashCause(context, service, definition, old);
  const image = observed.images[imageOf(project, service, definition)];
  const recorded = old.labels[composeLabels.imageDigest] ?? old.imageId;
  if (image !== undefined && recorded !== image.id)
    return `image ${imageOf(project, service, definition)} is another one now`;
  return missingNetwork(project, definition, old) ?? missingVolume(project, definition, old);
}

function hashCause(
  { project, decided }: DecideContext,
  service: string,
  definition: Service,
  old: ObservedContainer,
): string {
  const text = explainHash(project, service, definition, old);
  if (text !== 'config hash differs') return text;
  const replaced: string[] = [];
  withContainerIds(definition, (other) => {
    const decision = decided.get(other);
    if (decision?.keep.length === 0) replaced.push(other);
    return '';
  });
  const [shared] = replaced;
  return shared === undefined ? text : `shares with ${shared}, which is replaced`;
}

/** Whether the namespace it shares is the one of `other` after the plan too, though the owner be another container. */
function keepsNetwork(
  { project, observed, decided }: DecideContext,
  other: string,
  { joined }: ObservedContainer,
): boolean {
  const owner = observed.containers.find(({ id }) => id === joined?.owner);
  const mode = project.model.services[other]?.network_mode ?? '';
  if (owner?.service !== other || mode === 'host' || /^(service|container):/.test(mode)) return false;
  const networks = Object.keys(owner.networks);
  if (networks.length === 0 || networks.includes('host')) return false;
  const { keep, replace } = decided.get(other) ?? { keep: [owner], replace: [] };
  const staying = [...keep, ...replace.map(({ old }) => old)];
  return staying.includes(owner) && staying.every(({ number }) => number >= owner.number);
}

function firstContainerId({ observed, decided }: DecideContext, service: string): string {
  const decision = decided.get(service);
  const kept = decision?.keep ?? observed.containers.filter((other) => other.service === service && !other.oneOff);
  const numbers = [...(decision?.replace ?? []).map(({ old }) => old.number), ...(decision?.create ?? [])];
  const first = [...kept].sort((a, b) => a.number - b.number)[0];
  if (first === undefined || numbers.some((number) => number < first.number)) return unknownId;
  return first.id;
}

/** A stopped container may have lost its networks and gets them back at start; a running one must have them. */
function missingNetwork(project: Project, definition: Service, old: ObservedContainer): string | undefined {
  if (old.status !== 'running') return undefined;
  const missing = networkKeys(definition).find((key) => {
    const network = project.model.networks?.[key];
    return network !== undefined && network.external !== true && old.networks[network.name] === undefined;
  });
  return missing === undefined ? undefined : `is not on network ${missing}`;
}

function missingVolume(project: Project, definition: Service, old: ObservedContainer): string | undefined {
  for (const { type, source } of definition.volumes ?? []) {
    const volume = type === 'volume' && source !== undefined ? project.model.volumes?.[source] : undefined;
    if (volume === undefined) continue;
    if (!old.mounts.some(({ name }) => name === volume.name)) return `does not mount volume ${volume.name}`;
  }
  return undefined;
}
