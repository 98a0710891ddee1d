import { cleanPath } from './paths.js';
import {
  child,
  emptyMap,
  isMap,
  isNull,
  list,
  map,
  mapChildren,
  mapOf,
  scalar,
  textOf,
  withMember,
  type MapNode,
  type Node,
} from './node.js';

type Environment = ReadonlyMap<string, string>;

/** Namespaces a service can share with another one by `service:NAME`. */
const sharedNamespaces = ['network_mode', 'ipc', 'pid', 'uts', 'cgroup'];

/**
 * Fills in what is implied: the default network, names of resources, dependencies, values from the environment.
 * @param environment - undefined: names without a value stay so
 */
export function normalize(root: MapNode, name: string, environment: Environment | undefined): MapNode {
  let model = withMember(root, 'name', scalar(name));
  const services = child(model, 'services');
  const joined =
    services === undefined
      ? undefined
      : mapChildren(services, (service) => (isMap(service) ? joinNetworks(service) : service));
  if (joined !== undefined) {
    const normalized = mapChildren(joined, (service) =>
      isMap(service) ? normalizeService(service, environment) : service,
    );
    model = withMember(model, 'services', normalized);
  }
  const usesDefault = isMap(joined) && [...joined.entries.values()].some(joinsDefault);
  const networks = child(model, 'networks');
  const declared = isMap(networks) ? networks : emptyMap();
  if (usesDefault && !declared.entries.has('default')) {
    model = withMember(model, 'networks', withMember(declared, 'default', scalar(null)));
  }
  for (const section of ['networks', 'volumes', 'configs', 'secrets']) {
    const resources = child(model, section);
    if (isMap(resources)) model = withMember(model, section, nameResources(resources, name));
  }
  return model;
}

/** A service that says nothing about networks joins the default one; one that a provider stands for has no use for it. */
function joinNetworks(service: MapNode): MapNode {
  if (service.entries.has('network_mode') || service.entries.has('provider')) return service;
  const networks = child(service, 'networks');
  if (isMap(networks) && networks.entries.size > 0) return service;
  return withMember(service, 'networks', mapOf({ default: scalar(null) }, networks));
}

function joinsDefault(service: Node): boolean {
  return child(service, 'network_mode') === undefined && child(child(service, 'networks'), 'default') !== undefined;
}

function normalizeService(service: MapNode, environment: Environment | undefined): MapNode {
  let result = service;
  if (textOf(child(result, 'pull_policy')) === 'if_not_present') {
    result = withMember(result, 'pull_policy', scalar('missing', child(result, 'pull_policy')));
  }
  const build = child(result, 'build');
  if (isMap(build)) result = withMember(result, 'build', normalizeBuild(build, environment));
  const variables = child(result, 'environment');
  if (variables !== undefined && environment !== undefined) {
    result = withMember(result, 'environment', lookUp(variables, environment, 'keep'));
  }
  const volumes = child(result, 'volumes');
  if (volumes !== undefined) result = withMember(result, 'volumes', mapChildren(volumes, cleanTarget));
  const dependencies = impliedDependencies(result);
  return dependencies === undefined ? result : withMember(result, 'depends_on', dependencies);
}

function normalizeBuild(build: MapNode, environment: Environment | undefined): MapNode {
  let result = build;
  if (!build.entries.has('context')) result = withMember(result, 'context', scalar('.'));
  if (!build.entries.has('dockerfile') && !build.entries.has('dockerfile_inline')) {
    result = withMember(result, 'dockerfile', scalar('Dockerfile'));
  }
  const args = child(result, 'args');
  if (args === undefined || environment === undefined) return result;
  return withMember(result, 'args', lookUp(args, environment, 'drop'));
}

/** Names without a value take it from the environment; those not found there stay without one or go. */
function lookUp(node: Node, environment: Environment, unset: 'keep' | 'drop'): Node {
  if (node.kind === 'map') {
    return mapChildren(node, (value, key) => {
      if (!isNull(value)) return value;
      const found = environment.get(String(key));
      if (found !== undefined) return scalar(found, value);
      return unset === 'keep' ? value : undefined;
    });
  }
  return mapChildren(node, (item) => {
    const text = textOf(item);
    if (text === undefined || text.includes('=')) return item;
    const found = environment.get(text);
    if (found !== undefined) return scalar(`${text}=${found}`, item);
    return unset === 'keep' ? item : undefined;
  });
}

function cleanTarget(mount: Node): Node {
  const target = child(mount, 'target');
  const text = textOf(target);
  if (!isMap(mount) || target === undefined || text === undefined) return mount;
  const clean = cleanPath(text) || '.';
  return clean === text ? mount : withMember(mount, 'target', scalar(clean, target));
}

/** Dependencies the file states, and those that follow from sharing something with another service. */
function impliedDependencies(service: MapNode): MapNode | undefined {
  const stated = child(service, 'depends_on');
  const entries = new Map(isMap(stated) ? stated.entries : []);
  const add = (name: string, from: Node, restart: boolean): void => {
    if (entries.has(name)) return;
    const at = { at: from.at };
    const members = {
      condition: scalar('service_started', at),
      restart: scalar(restart, at),
      required: scalar(true, at),
    };
    entries.set(name, mapOf(members, at));
  };
  for (const link of itemsOf(child(service, 'links'))) {
    const parts = (textOf(link) ?? '').split(':');
    add(parts.length === 2 ? (parts[0] ?? '') : (textOf(link) ?? ''), link, true);
  }
  for (const key of sharedNamespaces) {
    const node = child(service, key);
    const text = textOf(node);
    if (node !== undefined && text?.startsWith('service:') === true) add(text.slice('service:'.length), node, true);
  }
  for (const source of itemsOf(child(service, 'volumes_from'))) {
    const text = textOf(source) ?? '';
    if (!text.startsWith('container:')) add(text.split(':', 1)[0] ?? '', source, false);
  }
  return entries.size === 0 ? undefined : map(entries, stated);
}

function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.kind === 'list' ? node.items : [];
}

/** Resources are named after the project and their key, those made elsewhere by their key alone. */
function nameResources(resources: MapNode, project: string): MapNode {
  const named = new Map<string, Node>();
  for (const [key, value] of resources.entries) {
    const resource = isMap(value) ? value : emptyMap(value);
    const name = child(resource, 'name');
    if (name !== undefined && !isNull(name)) named.set(key, resource);
    else {
      const external = child(resource, 'external');
      const own = external?.kind === 'scalar' && external.value === true ? key : `${project}_${key}`;
      named.set(key, withMember(resource, 'name', scalar(own)));
    }
  }
  return map(named, resources);
}

/** Names without a value in lists, resolved with the environment of the file they stand in (an include has its own). */
export function resolveListedVariables(root: MapNode, environment: Environment): MapNode {
  const services = child(root, 'services');
  if (!isMap(services)) return root;
  const resolved = mapChildren(services, (service) => {
    const variables = child(service, 'environment');
    if (!isMap(service) || variables?.kind !== 'list') return service;
    return withMember(
      service,
      'environment',
      list((lookUp(variables, environment, 'keep') as typeof variables).items, variables),
    );
  });
  return withMember(root, 'services', resolved);
}
