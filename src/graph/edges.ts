import { isDeepStrictEqual } from 'node:util';
import type { SourceLocation } from '../base/source-location.js';
import type { DependencyCondition, NodePath, Project, Service } from '../compose/index.js';

/** The attribute that makes one service need another. */
export type EdgeSource = 'depends_on' | 'links' | 'volumes_from' | 'network_mode' | 'pid' | 'ipc' | 'uts';

/** `from` needs `to`. */
export interface DependencyEdge {
  readonly from: string;
  readonly to: string;
  /** Every attribute that asks for it; the first one decides `at`. */
  readonly via: readonly EdgeSource[];
  readonly condition: DependencyCondition;
  readonly required: boolean;
  /** Replacing or restarting `to` restarts `from`. */
  readonly restart: boolean;
  /** The attributes that ask for that. */
  readonly restartFor: readonly EdgeSource[];
  readonly at: SourceLocation | undefined;
}

interface Need {
  readonly to: string;
  readonly via: EdgeSource;
  readonly path: NodePath;
  readonly condition: DependencyCondition;
  readonly required: boolean;
  readonly restart: boolean;
}

/**
 * What `name` needs, one edge per needed service, sorted by its name. Services that the project does not have are
 * left out: loading reports the undefined ones, and `required: false` allows the absent ones.
 */
export function edgesOf(project: Project, name: string, service: Service): DependencyEdge[] {
  const merged = new Map<string, DependencyEdge>();
  const locate = (...path: NodePath) => project.locate(['services', name, ...path]);
  for (const need of needsOf(service, locate)) {
    if (project.model.services[need.to] === undefined) continue;
    const known = merged.get(need.to);
    if (known !== undefined) {
      merged.set(need.to, {
        ...known,
        via: [...known.via, need.via],
        required: known.required || need.required,
        restart: known.restart || need.restart,
        restartFor: [...known.restartFor, ...(need.restart ? [need.via] : [])],
      });
      continue;
    }
    const { to, via, path, condition, required, restart } = need;
    const at = locate(...path);
    const restartFor = restart ? [via] : [];
    merged.set(to, { from: name, to, via: [via], condition, required, restart, restartFor, at });
  }
  return [...merged.values()].sort((a, b) => (a.to < b.to ? -1 : 1));
}

/** `service:db` → `db`. */
export function sharedService(mode: string | null | undefined): string | undefined {
  return mode?.startsWith('service:') === true ? mode.slice('service:'.length) : undefined;
}

/** Link as written: `db` or `db:database`. */
export function parseLink(link: string): { readonly service: string; readonly alias: string } {
  const colon = link.indexOf(':');
  if (colon < 0) return { service: link, alias: link };
  return { service: link.slice(0, colon), alias: link.slice(colon + 1) };
}

/** `data`, `data:ro` or `container:name:ro`; exactly one of `service` and `container` is set. */
export function parseVolumesFrom(text: string): {
  readonly service?: string;
  readonly container?: string;
  readonly mode?: string;
} {
  const parts = text.split(':');
  const external = parts[0] === 'container' && parts.length > 1;
  const [name = '', mode] = external ? parts.slice(1) : parts;
  return { ...(external ? { container: name } : { service: name }), ...(mode === undefined ? {} : { mode }) };
}

function* needsOf(service: Service, locate: (...path: NodePath) => SourceLocation | undefined): Generator<Need> {
  const networkAt = locate('network_mode');
  for (const [to, dependency] of Object.entries(service.depends_on ?? {})) {
    const { condition, required } = dependency;
    // One that loading added for the network stands where that is asked for; what it asks for follows below.
    const implied = networkAt !== undefined && isDeepStrictEqual(locate('depends_on', to), networkAt);
    const restart = dependency.restart === true && !implied;
    yield { to, via: 'depends_on', path: ['depends_on', to], condition, required, restart };
  }
  const implied = { condition: 'service_started', required: true } as const;
  for (const [index, link] of (service.links ?? []).entries()) {
    yield { to: parseLink(link).service, via: 'links', path: ['links', index], ...implied, restart: true };
  }
  for (const [index, text] of (service.volumes_from ?? []).entries()) {
    const to = parseVolumesFrom(text).service;
    if (to !== undefined) yield { to, via: 'volumes_from', path: ['volumes_from', index], ...implied, restart: false };
  }
  for (const via of ['network_mode', 'pid', 'ipc', 'uts'] as const) {
    const to = sharedService(service[via]);
    if (to !== undefined) yield { to, via, path: [via], ...implied, restart: true };
  }
}
