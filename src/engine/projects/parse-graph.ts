import type {
  NeedCondition,
  NodeHook,
  NodeHooks,
  ProjectGraph,
  RestartPace,
  ServiceNeed,
  ServiceNode,
} from '../../api/tscompose.js';
import { TscomposeError } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** `path` within the graph, as in `services.web.needs[0]`. */
    'project/bad-graph': { readonly path: string };
    'project/not-found': { readonly project: string };
  }
}

/** As projects are named (compose-spec, "name"). */
const namePattern = /^[a-z0-9][a-z0-9_-]{0,199}$/;
const conditions: readonly NeedCondition[] = ['service_started', 'service_healthy', 'service_completed_successfully'];

/**
 * A graph out of JSON from outside, without members we do not know: what is kept is what is documented, nothing else.
 * @throws `project/bad-graph`
 */
export function parseGraph(value: unknown): ProjectGraph {
  const graph = object(value, 'graph');
  const name = text(graph['name'], 'name');
  if (!namePattern.test(name)) throw bad('name', 'is not a name of a project');
  const services = Object.entries(object(graph['services'], 'services'));
  return {
    name,
    workingDir: text(graph['workingDir'], 'workingDir'),
    composeFiles: array(graph['composeFiles'], 'composeFiles').map((file) => text(file, 'composeFiles')),
    services: Object.fromEntries(services.map(([service, node]) => [service, parseNode(node, `services.${service}`)])),
  };
}

function parseNode(value: unknown, path: string): ServiceNode {
  const node = object(value, path);
  const needs = array(node['needs'], `${path}.needs`);
  return {
    needs: needs.map((need, index) => parseNeed(need, `${path}.needs[${index}]`)),
    restartUnhealthy: flag(node['restartUnhealthy'], `${path}.restartUnhealthy`),
    restartWithDependencies: flag(node['restartWithDependencies'], `${path}.restartWithDependencies`),
    ...(node['pace'] === undefined ? {} : { pace: parsePace(node['pace'], `${path}.pace`) }),
    ...(node['hooks'] === undefined ? {} : { hooks: parseHooks(node['hooks'], `${path}.hooks`) }),
  };
}

function parseNeed(value: unknown, path: string): ServiceNeed {
  const need = object(value, path);
  const condition = conditions.find((known) => known === need['condition']);
  if (condition === undefined) throw bad(`${path}.condition`, 'is no condition');
  return {
    service: text(need['service'], `${path}.service`),
    condition,
    required: flag(need['required'], `${path}.required`),
    restart: flag(need['restart'], `${path}.restart`),
  };
}

function parseHooks(value: unknown, path: string): NodeHooks {
  const hooks = object(value, path);
  const list = (key: 'postStart' | 'preStop'): readonly NodeHook[] =>
    array(hooks[key], `${path}.${key}`).map((hook, index) => parseHook(hook, `${path}.${key}[${index}]`));
  return { postStart: list('postStart'), preStop: list('preStop') };
}

function parseHook(value: unknown, path: string): NodeHook {
  const { command, user, workingDir, privileged } = object(value, path);
  return {
    command: array(command, `${path}.command`).map((word) => text(word, `${path}.command`)),
    ...(user === undefined ? {} : { user: text(user, `${path}.user`) }),
    ...(workingDir === undefined ? {} : { workingDir: text(workingDir, `${path}.workingDir`) }),
    privileged: flag(privileged, `${path}.privileged`),
  };
}

function parsePace(value: unknown, path: string): RestartPace {
  const pace = object(value, path);
  const members = (['delayMs', 'windowMs', 'maxAttempts'] as const).flatMap((key) =>
    pace[key] === undefined ? [] : [[key, number(pace[key], `${path}.${key}`)] as const],
  );
  return Object.fromEntries(members);
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw bad(path, 'is not an object');
}

function array(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw bad(path, 'is not an array');
}

function text(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw bad(path, 'is not a text');
}

function flag(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value;
  throw bad(path, 'is neither true nor false');
}

function number(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw bad(path, 'is not a number of 0 or more');
}

function bad(path: string, what: string): TscomposeError<'project/bad-graph'> {
  return new TscomposeError({
    code: 'project/bad-graph',
    message: `not the graph of a project: ${path} ${what}`,
    facts: { path },
  });
}

export function noSuchProject(project: string): TscomposeError<'project/not-found'> {
  return new TscomposeError({
    code: 'project/not-found',
    message: `the engine knows no project ${project}`,
    facts: { project },
  });
}
