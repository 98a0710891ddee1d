import type { ContainerSummary, HealthStatus } from '../api/container.js';
import type { ImageInspect } from '../api/image.js';
import { composeLabels } from '../api/labels.js';
import { isNotFound, type EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { observeProviders } from './observe-providers.js';
import {
  hookImages,
  imageOf,
  type ObservedContainer,
  type ObservedImage,
  type ObservedState,
  type ObservedVolume,
} from '../plan/index.js';

/** What to leave out, for commands that do not need it. */
export interface ObserveOptions {
  readonly images?: boolean;
  readonly networks?: boolean;
  readonly volumes?: boolean;
  /** Programs of providers; left out unless asked for. */
  readonly providers?: boolean;
}

/**
 * Reads what the engine has of a project, all at once: one list of containers, one of networks, one of volumes where
 * the project has any, one look at each image.
 * @param project - a name where its files are not at hand: then images come from the containers
 */
export async function observe(
  client: EngineClient,
  project: Project | string,
  signal: AbortSignal,
  { images = true, networks = true, volumes = true, providers = false }: ObserveOptions = {},
): Promise<ObservedState> {
  const name = typeof project === 'string' ? project : project.name;
  const filters = { label: [`${composeLabels.project}=${name}`] };
  const list = client.containers.list({ all: true, filters }, signal);
  const [containers, foundNetworks, foundVolumes, foundImages, foundProviders] = await Promise.all([
    list.then((found) => found.filter(isComposed).map(observedContainer)),
    networks ? observeNetworks(client, project, name, signal) : [],
    volumes ? observeVolumes(client, project, filters, signal) : [],
    images ? list.then((found) => observeImages(client, imagesOf(project, found), signal)) : {},
    providers && typeof project !== 'string' ? observeProviders(project, signal) : undefined,
  ]);
  const hooks = (await list).filter(({ Labels }) => Labels[composeLabels.hook] !== undefined).map(observedContainer);
  return {
    containers,
    ...(hooks.length === 0 ? {} : { hooks }),
    networks: foundNetworks,
    volumes: foundVolumes,
    images: foundImages,
    ...(foundProviders === undefined ? {} : { providers: foundProviders }),
  };
}

/** The config hash tells compose's containers from strangers that carry the project's label. */
function isComposed({ Labels }: ContainerSummary): boolean {
  return Labels[composeLabels.configHash] !== undefined;
}

export function observedContainer(summary: ContainerSummary): ObservedContainer {
  const { Labels: labels } = summary;
  const names = summary.Names.map((name) => name.replace(/^\//, ''));
  return {
    id: summary.Id,
    name: names.find((name) => !name.includes('/')) ?? summary.Id.slice(0, 12),
    service: labels[composeLabels.service] ?? '',
    number: Number(labels[composeLabels.containerNumber] ?? 0),
    oneOff: labels[composeLabels.oneoff] === 'True',
    status: summary.State,
    exitCode: exitCodeOf(summary.Status),
    health: healthOf(summary),
    labels,
    image: summary.Image,
    imageId: summary.ImageID,
    networks: Object.fromEntries(
      Object.entries(summary.NetworkSettings.Networks).map(([key, endpoint]) => [key, endpoint.NetworkID ?? '']),
    ),
    ...joinedOf(summary),
    mounts: summary.Mounts.map(({ Type, Name, Destination }) => ({ type: Type, name: Name, target: Destination })),
    hostPorts: summary.Ports.flatMap(({ PublicPort, Type }) =>
      PublicPort === undefined ? [] : [{ port: PublicPort, protocol: Type }],
    ),
    createdS: summary.Created,
  };
}

function joinedOf({ HostConfig, Tscompose }: ContainerSummary): Pick<ObservedContainer, 'joined'> {
  const owner = Tscompose?.NetworkOf;
  return owner === undefined ? {} : { joined: { named: HostConfig.NetworkMode.replace(/^container:/, ''), owner } };
}

/** Engines before API 1.52 say it only in the text for people: `Exited (3) 2 minutes ago`. */
function exitCodeOf(status: string): number | undefined {
  const code = /^Exited \((\d+)\)/.exec(status)?.[1];
  return code === undefined ? undefined : Number(code);
}

function healthOf({ Health, Status }: ContainerSummary): HealthStatus | undefined {
  if (Health !== undefined) return Health.Status === 'none' ? undefined : Health.Status;
  const word = /\((healthy|unhealthy|health: starting)\)$/.exec(Status)?.[1];
  if (word === 'healthy' || word === 'unhealthy') return word;
  return word === undefined ? undefined : 'starting';
}

async function observeNetworks(
  client: EngineClient,
  project: Project | string,
  name: string,
  signal: AbortSignal,
): Promise<ObservedState['networks']> {
  const definitions = typeof project === 'string' ? [] : Object.values(project.model.networks ?? {});
  const wanted = new Set(definitions.map((network) => network.name));
  const found = await client.networks.list({}, signal);
  return found
    .map(({ Id, Name, Labels }) => ({ id: Id, name: Name, labels: orEmpty(Labels) }))
    .filter(({ id, name: own, labels }) => {
      return labels[composeLabels.project] === name || wanted.has(own) || wanted.has(id);
    });
}

async function observeVolumes(
  client: EngineClient,
  project: Project | string,
  filters: { readonly label: readonly string[] },
  signal: AbortSignal,
): Promise<ObservedVolume[]> {
  const definitions = typeof project === 'string' ? undefined : Object.values(project.model.volumes ?? {});
  if (definitions?.length === 0) return [];
  const labelled = (await client.volumes.list({ filters }, signal)).map(observedVolume);
  const others = (definitions ?? []).filter(({ name }) => !labelled.some((volume) => volume.name === name));
  const unlabelled = await Promise.all(
    others.map(({ name }) => orUndefined(client.volumes.inspect(name, signal).then(observedVolume))),
  );
  return [...labelled, ...unlabelled.filter((volume) => volume !== undefined)];
}

function observedVolume({ Name, Labels }: { Name: string; Labels: Record<string, string> | null }): ObservedVolume {
  return { name: Name, labels: orEmpty(Labels) };
}

/** References, each with the platform it is wanted for. */
function imagesOf(
  project: Project | string,
  containers: readonly ContainerSummary[],
): ReadonlyMap<string, string | undefined> {
  if (typeof project === 'string') return new Map(containers.map(({ Image }) => [Image, undefined]));
  const services = Object.entries(project.model.services).filter(([, { provider }]) => provider === undefined);
  return new Map([
    ...services.flatMap(([, definition]) => hookImages(definition).map((image) => [image, undefined] as const)),
    ...services.map(([service, definition]) => [imageOf(project, service, definition), definition.platform] as const),
  ]);
}

async function observeImages(
  client: EngineClient,
  references: ReadonlyMap<string, string | undefined>,
  signal: AbortSignal,
): Promise<Record<string, ObservedImage>> {
  const found = await Promise.all(
    [...references].map(async ([reference, platform]) => {
      const image = await orUndefined(client.images.inspect(reference, signal, platform));
      return image === undefined ? [] : [[reference, observedImage(image)] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

function observedImage({
  Id,
  Os,
  Architecture,
  Variant,
  Config,
  Metadata,
}: Partial<ImageInspect> & Pick<ImageInspect, 'Id' | 'Os' | 'Architecture'>): ObservedImage {
  const { Volumes: volumes, Healthcheck: health }: Partial<ImageInspect['Config']> = orEmpty(Config);
  return {
    id: Id,
    platform: [Os, Architecture, ...(Variant === undefined || Variant === '' ? [] : [Variant])].join('/'),
    volumes: Object.keys(volumes ?? {}),
    hasHealthCheck: (health?.Test ?? []).some((word) => word !== 'NONE'),
    ...taggedOf(Metadata?.LastTagTime),
  };
}

function taggedOf(time: string | undefined): { readonly taggedS?: number } {
  const seconds = time === undefined || time.startsWith('0001-') ? Number.NaN : Date.parse(time) / 1_000;
  return Number.isNaN(seconds) ? {} : { taggedS: seconds };
}

/** Engines answer null for an empty object here and there, whatever the types say. */
function orEmpty<T extends object>(value: T | null | undefined): T | Record<string, never> {
  return value ?? {};
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
