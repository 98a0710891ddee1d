import type { DependencyCondition, Port } from '../compose/index.js';

/** What a picture of a project shows, and what `graph --format json` prints. Lists are sorted by name. */
export interface Diagram {
  readonly name: string;
  readonly services: readonly DiagramService[];
  readonly dependencies: readonly DiagramDependency[];
  readonly networks: readonly DiagramNetwork[];
  readonly volumes: readonly DiagramVolume[];
  readonly mounts: readonly DiagramMount[];
}

export interface DiagramService {
  readonly name: string;
  readonly image?: string;
  /** Context the image is built from, as far as it is not the project folder itself. */
  readonly build?: string;
  readonly replicas: number;
  readonly profiles: readonly string[];
  readonly ports: readonly Port[];
  /** Keys of {@link Diagram.networks}. */
  readonly networks: readonly string[];
  /** `host`, `none`, `service:db` and so on, for a service without networks of its own. */
  readonly network_mode?: string;
}

/** `from` needs `to`. */
export interface DiagramDependency {
  readonly from: string;
  readonly to: string;
  readonly condition: DependencyCondition;
  readonly required: boolean;
  readonly restart: boolean;
  /** The attributes that ask for it. */
  readonly via: readonly string[];
}

export interface DiagramNetwork {
  /** Key in the compose file. */
  readonly key: string;
  /** Name on the engine. */
  readonly name: string;
  readonly external: boolean;
  readonly internal: boolean;
  readonly driver?: string;
}

export interface DiagramVolume {
  readonly key: string;
  readonly name: string;
  readonly external: boolean;
  readonly driver?: string;
}

/** A named volume in a service. */
export interface DiagramMount {
  readonly service: string;
  readonly volume: string;
  readonly target: string;
  readonly read_only: boolean;
}

/** `8080 → 80`, `127.0.0.1:53 → 53/udp`, `80` for one without a fixed place on the host; neighbours as one range. */
export function portTexts(ports: readonly Port[]): string[] {
  const runs: { readonly first: Port; readonly count: number }[] = [];
  for (const port of ports) {
    const run = runs.at(-1);
    if (run !== undefined && continues(run.first, run.count, port))
      runs.splice(-1, 1, { ...run, count: run.count + 1 });
    else runs.push({ first: port, count: 1 });
  }
  return runs.map(({ first, count }) => portText(first, count));
}

function continues(first: Port, count: number, { published, target, host_ip: hostIp, protocol }: Port): boolean {
  if (hostIp !== first.host_ip || protocol !== first.protocol || target !== first.target + count) return false;
  if (published === undefined) return first.published === undefined;
  return published === String(Number(first.published) + count);
}

function portText({ host_ip: hostIp, published, target, protocol }: Port, count: number): string {
  const range = (start: string | number): string =>
    count === 1 ? String(start) : `${start}-${Number(start) + count - 1}`;
  const inside = `${range(target)}${protocol === undefined || protocol === 'tcp' ? '' : `/${protocol}`}`;
  if (published === undefined || published === '') return inside;
  const address = hostIp === undefined || hostIp === '' ? '' : hostIp.includes(':') ? `[${hostIp}]:` : `${hostIp}:`;
  return `${address}${range(published)} → ${inside}`;
}

/** What a dependency waits for, in one word. */
export function conditionText(condition: DependencyCondition): 'started' | 'healthy' | 'completed' {
  switch (condition) {
    case 'service_started':
      return 'started';
    case 'service_healthy':
      return 'healthy';
    case 'service_completed_successfully':
      return 'completed';
  }
}

/** Networks worth naming: all, unless there is only the one every service shares by default. */
export function namedNetworks({ networks }: Diagram): readonly DiagramNetwork[] {
  const [only, ...more] = networks;
  return more.length === 0 && only?.key === 'default' && !only.external ? [] : networks;
}

/** Where the image comes from, for the second line of a service; digests in short. */
export function originText({ image, build }: DiagramService): string {
  return build === undefined ? (image ?? '').replace(/@sha256:([0-9a-f]{7})[0-9a-f]+$/, '@$1') : `build ${build}`;
}
