import type { NodeHook, ProjectGraph, RestartPace, ServiceNode } from '../api/tscompose.js';
import { parseGoDuration } from '../base/go-duration.js';
import type { Project, Service, ServiceHook } from '../compose/index.js';
import { edgesOf } from '../graph/index.js';
import { extensionOf } from './service-extension.js';

/**
 * What the engine is to know of a project. Services of profiles that are not enabled are in it too: their containers may
 * be there from another time. Services of providers are not: there is nothing that the engine could start.
 */
export function projectGraph(project: Project): ProjectGraph {
  const services = { ...project.disabledServices, ...project.model.services };
  const whole = { ...project, model: { ...project.model, services } };
  const nodes = Object.keys(services)
    .sort()
    .flatMap((name): [string, ServiceNode][] => {
      const service = services[name];
      return service === undefined || service.provider !== undefined ? [] : [[name, nodeOf(whole, name, service)]];
    });
  const { name, workingDir, composeFiles } = project;
  return { name, workingDir, composeFiles, services: Object.fromEntries(nodes) };
}

function nodeOf(project: Project, name: string, service: Service): ServiceNode {
  const needs = edgesOf(project, name, service)
    .filter(({ to }) => project.model.services[to]?.provider === undefined)
    .map(({ to, condition, required, restart }) => ({ service: to, condition, required, restart }));
  const pace = paceOf(service);
  const { restartUnhealthy, restartWithDependencies, hooksOnRestart } = extensionOf(service);
  const hooks = { postStart: hooksOf(service.post_start), preStop: hooksOf(service.pre_stop) };
  const hooked = hooksOnRestart && hooks.postStart.length + hooks.preStop.length > 0;
  return {
    needs,
    restartUnhealthy,
    restartWithDependencies,
    ...(Object.keys(pace).length === 0 ? {} : { pace }),
    ...(hooked ? { hooks } : {}),
  };
}

function hooksOf(hooks: readonly ServiceHook[] = []): NodeHook[] {
  return hooks.map(({ command, user, working_dir: workingDir, privileged }) => ({
    command: command ?? [],
    ...(user === undefined ? {} : { user }),
    ...(workingDir === undefined ? {} : { workingDir }),
    privileged: privileged ?? false,
  }));
}

function paceOf({ deploy }: Service): RestartPace {
  const { delay, window, max_attempts: maxAttempts } = deploy?.restart_policy ?? {};
  const delayMs = milliseconds(delay);
  const windowMs = milliseconds(window);
  return {
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
  };
}

function milliseconds(duration: string | undefined): number | undefined {
  const ns = parseGoDuration(duration ?? 'none');
  return ns === undefined ? undefined : ns / 1e6;
}
