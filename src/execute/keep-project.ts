import { hasCode } from '../base/errors.js';
import { readNativeProbe } from '../base/native-probe.js';
import { renderLocation } from '../base/source-location.js';
import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { idMapOf, projectGraph } from '../plan/index.js';

export interface KeepOptions {
  readonly client: EngineClient;
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Gives the engine the order of a project, so that what it starts by itself (after a crash, with the host) follows it.
 * An engine that is not ours does without; where a service asks for more than such an engine can do, that is a warning.
 */
export async function keepProject(project: Project, { client, warn, signal }: KeepOptions): Promise<void> {
  const graph = projectGraph(project);
  try {
    await client.keepProject(graph, signal);
  } catch (error) {
    if (!isOfOtherEngine(error)) throw error;
    for (const [service, { restartUnhealthy, restartWithDependencies, hooks }] of Object.entries(graph.services)) {
      if (!restartUnhealthy && !restartWithDependencies && hooks === undefined) continue;
      warn(`warning: x-tscompose of service "${service}" has no effect: only the embedded engine restarts by it`);
    }
    for (const [service, { volumes = [] }] of Object.entries(project.model.services)) {
      if (!volumes.some((mount) => idMapOf(mount) !== undefined)) continue;
      warn(`warning: x-idmap of service "${service}" has no effect: only the embedded engine maps ids on mounts`);
    }
    for (const [service, { healthcheck }] of Object.entries(project.model.services)) {
      const [kind = ''] = healthcheck?.test ?? [];
      if (readNativeProbe(healthcheck?.test ?? []) === undefined) continue;
      const at = project.locate(['services', service, 'healthcheck', 'test']);
      const place = at === undefined ? '' : `${renderLocation(at)}: `;
      warn(
        `${place}warning: service "${service}" has no health check here: only the embedded engine knows ${kind}; use ` +
          '["CMD", ...] with a program of the image, wget or nc for example',
      );
    }
  }
}

/** After `down`. */
export async function forgetProject(name: string, { client, signal }: Omit<KeepOptions, 'warn'>): Promise<void> {
  try {
    await client.forgetProject(name, signal);
  } catch (error) {
    if (!isOfOtherEngine(error)) throw error;
  }
}

/** Others answer 404, and proxies in front of them what they like; ours says 500 when it cannot write. */
function isOfOtherEngine(error: unknown): boolean {
  if (!hasCode(error, 'engine/response')) return false;
  const { status, engineCode } = error.facts;
  return (status < 500 || status === 501) && engineCode?.startsWith('project/') !== true;
}
