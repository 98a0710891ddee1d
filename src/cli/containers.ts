import type { ContainerSummary } from '../api/container.js';
import { composeLabels } from '../api/labels.js';
import { TscomposeError } from '../base/errors.js';
import type { EngineClient } from '../client/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/no-such-container': { readonly service: string; readonly index: number | undefined };
    'cli/not-running': { readonly service: string };
  }
}

export interface ContainerQuery {
  /** Stopped ones too. */
  readonly stopped: boolean;
  /** Containers of `run`. */
  readonly oneOffs: boolean;
  /** None: all services. */
  readonly services?: readonly string[];
}

/** Containers of a project, sorted by name. The config hash is what tells compose's containers from strangers. */
export async function projectContainers(
  client: EngineClient,
  project: string,
  { stopped, oneOffs, services = [] }: ContainerQuery,
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const label = [`${composeLabels.project}=${project}`, composeLabels.configHash];
  if (!oneOffs) label.push(`${composeLabels.oneoff}=False`);
  const found = await client.containers.list({ all: stopped, filters: { label } }, signal);
  return found
    .filter((container) => services.length === 0 || services.includes(serviceOf(container)))
    .sort((a, b) => compare(nameOf(a), nameOf(b)));
}

export function nameOf({ Names, Id }: ContainerSummary): string {
  return Names.map((name) => name.replace(/^\//, '')).find((name) => !name.includes('/')) ?? Id.slice(0, 12);
}

export function serviceOf({ Labels }: ContainerSummary): string {
  return Labels[composeLabels.service] ?? '';
}

export function numberOf({ Labels }: ContainerSummary): number {
  return Number(Labels[composeLabels.containerNumber] ?? 0);
}

export function isOneOff({ Labels }: ContainerSummary): boolean {
  return Labels[composeLabels.oneoff] === 'True';
}

/**
 * The replica a command means: the one with number `index`, or the lowest; one-off containers last.
 * @throws `cli/not-running` when the service has none of that kind
 */
export async function containerOf(
  client: EngineClient,
  target: { readonly project: string; readonly service: string; readonly index: number | undefined },
  query: { readonly stopped: boolean },
  signal: AbortSignal,
): Promise<ContainerSummary> {
  const { project, service, index } = target;
  const all = await projectContainers(client, project, { ...query, oneOffs: true, services: [service] }, signal);
  const wanted =
    index === undefined || index === 0 ? all : all.filter((one) => !isOneOff(one) && numberOf(one) === index);
  const [first] = wanted.sort((a, b) => Number(isOneOff(a)) - Number(isOneOff(b)) || numberOf(a) - numberOf(b));
  if (first !== undefined) return first;
  if (index === undefined || index === 0) {
    throw new TscomposeError({
      code: 'cli/not-running',
      message: `service "${service}" is not running`,
      facts: { service },
      hint: 'tscompose ps -a shows the containers of the project',
    });
  }
  throw new TscomposeError({
    code: 'cli/no-such-container',
    message: `service "${service}" has no container with number ${index}`,
    facts: { service, index },
  });
}

/** Byte order, as docker compose sorts. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
