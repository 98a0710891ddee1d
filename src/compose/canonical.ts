import type { NodePath } from './model.js';
import { parseMount } from './mount-syntax.js';
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
  type ListNode,
  type MapNode,
  type Node,
} from './node.js';
import { pathTable, ruleAt, stepTable, type PathTable, type TableState } from './path-table.js';
import { cleanPath } from './paths.js';
import { parsePorts } from './port-syntax.js';
import { pathText, type Problems } from './problems.js';
import { scalarText } from './scalar.js';
import type { SourceLocation } from '../base/source-location.js';
import { locationOf } from './source-text.js';

interface CanonicalContext {
  readonly problems: Problems;
  readonly onWarning: (message: string, at: SourceLocation | undefined) => void;
  /** Short forms that cannot be read stay as they are: `--no-interpolate` leaves variables in them. */
  readonly lenient: boolean;
}

/** Undefined takes the node out: it could not be read, and the problem is noted. */
type Change = (node: Node, path: NodePath, context: CanonicalContext) => Node | undefined;

/** Attributes with a short form, and how it becomes the long one. Members below are changed first. */
const changes: PathTable<Change> = pathTable<Change>({
  'services.*.build': buildForm,
  'services.*.build.secrets.*': fileForm,
  'services.*.build.provenance': textForm,
  'services.*.build.sbom': textForm,
  'services.*.build.no_cache_filter': listForm,
  'services.*.build.additional_contexts': keyValueForm,
  'services.*.build.ssh': sshForm,
  'services.*.build.ulimits.*': ulimitForm,
  'services.*.ulimits.*': ulimitForm,
  'services.*.depends_on': dependsOnForm,
  'services.*.env_file': envFileForm,
  'services.*.extends': extendsForm,
  'services.*.label_file': listForm,
  'services.*.dns': listForm,
  'services.*.develop.watch.*.ignore': listForm,
  'services.*.develop.watch.*.include': listForm,
  'services.*.devices.*': deviceForm,
  'services.*.gpus': gpusForm,
  'services.*.networks': namesForm,
  'services.*.models': namesForm,
  'services.*.volumes.*': mountForm,
  'services.*.secrets.*': fileForm,
  'services.*.configs.*': fileForm,
  'services.*.ports': portsForm,
  'volumes.*': externalForm,
  'networks.*': externalForm,
  'secrets.*': externalForm,
  'configs.*': externalForm,
});

/** Expands every short syntax of a schema-valid tree. Forms that cannot be read are added to `problems`. */
export function toCanonical(root: MapNode, context: CanonicalContext): MapNode {
  const canonical = walk(root, [], [changes], context);
  return isMap(canonical) ? canonical : root;
}

function walk(node: Node, path: NodePath, state: TableState<Change>, context: CanonicalContext): Node | undefined {
  if (state.length === 0) return node;
  const inner = mapChildren(node, (member, key) => walk(member, [...path, key], stepTable(state, key), context));
  const change = ruleAt(state);
  return change === undefined ? inner : change(inner, path, context);
}

function invalid(
  node: Node,
  path: NodePath,
  context: CanonicalContext,
  problem: string,
  hint?: string,
): Node | undefined {
  if (context.lenient) return node;
  const place = pathText(path);
  context.problems.add({
    code: 'compose/invalid-value',
    message: `${place}: ${problem}`,
    facts: { path: place },
    hint,
    at: locationOf(node.at),
  });
  return undefined;
}

function buildForm(node: Node): Node {
  return textOf(node) === undefined ? node : mapOf({ context: { ...node, key: undefined } }, node);
}

function extendsForm(node: Node): Node {
  return textOf(node) === undefined ? node : mapOf({ service: { ...node, key: undefined } }, node);
}

function textForm(node: Node): Node {
  return node.kind === 'scalar' && node.value !== null ? scalar(scalarText(node), node) : node;
}

function listForm(node: Node, path: NodePath): Node {
  const all = textOf(node) === undefined ? node : list([{ ...node, key: undefined }], node);
  // An unset variable often leaves an empty name server; it means none.
  if (all.kind !== 'list' || path.at(-1) !== 'dns') return all;
  return mapChildren(all, (item) => (textOf(item) === '' || isNull(item) ? undefined : item));
}

function fileForm(node: Node): Node {
  return textOf(node) === undefined ? node : mapOf({ source: { ...node, key: undefined } }, node);
}

function keyValueForm(node: Node, path: NodePath, context: CanonicalContext): Node {
  if (node.kind !== 'list') return node;
  const entries = new Map<string, Node>();
  for (const [index, item] of node.items.entries()) {
    const text = textOf(item) ?? '';
    const equals = text.indexOf('=');
    if (equals === -1) {
      if (context.lenient) return node;
      invalid(item, [...path, index], context, `expected name=value, got "${text}"`);
    } else entries.set(text.slice(0, equals), { ...scalar(text.slice(equals + 1), item), key: item.at });
  }
  return map(entries, node);
}

function sshForm(node: Node, path: NodePath, context: CanonicalContext): Node {
  if (node.kind !== 'list') return node;
  const entries = new Map<string, Node>();
  for (const [index, item] of node.items.entries()) {
    const text = textOf(item) ?? '';
    const equals = text.indexOf('=');
    if (equals === -1 && text !== 'default') {
      invalid(item, [...path, index], context, `"${text}" names no key`, 'write default, or ID=PATH');
    }
    const id = equals === -1 ? text : text.slice(0, equals);
    const value = scalar(equals === -1 ? null : text.slice(equals + 1), item);
    entries.set(id, { ...value, key: item.at });
  }
  return map(entries, node);
}

function ulimitForm(node: Node, path: NodePath, context: CanonicalContext): Node | undefined {
  if (node.kind === 'map' || (node.kind === 'scalar' && typeof node.value === 'number')) return node;
  return invalid(node, path, context, 'expected a whole number, or a mapping of soft and hard');
}

function dependsOnForm(node: Node, path: NodePath, context: CanonicalContext): Node {
  if (node.kind === 'list') {
    return named(node, path, context, (item) =>
      mapOf({ condition: scalar('service_started', item), required: scalar(true, item) }, item),
    );
  }
  return mapChildren(node, (dependency) => {
    if (dependency.kind !== 'map') return dependency;
    let full = dependency;
    if (!full.entries.has('condition')) full = withMember(full, 'condition', scalar('service_started'));
    if (!full.entries.has('required')) full = withMember(full, 'required', scalar(true));
    return full;
  });
}

function envFileForm(node: Node): Node {
  const one = (item: Node): Node => {
    if (item.kind !== 'map') return mapOf({ path: { ...item, key: undefined }, required: scalar(true) }, item);
    return item.entries.has('required') ? item : withMember(item, 'required', scalar(true));
  };
  if (node.kind === 'list') return mapChildren(node, one);
  return node.kind === 'scalar' ? list([one(node)], node) : node;
}

function deviceForm(node: Node, path: NodePath, context: CanonicalContext): Node | undefined {
  const text = textOf(node);
  if (text === undefined) return node;
  const parts = text.split(':');
  if (parts.length > 3) return invalid(node, path, context, `"${text}" has too many colons`, 'use the long syntax');
  const [source = '', target, permissions = 'rwm'] = parts;
  return mapOf(
    {
      source: scalar(source, { at: node.at }),
      target: scalar(target === undefined || target === '' ? source : target, { at: node.at }),
      permissions: scalar(permissions, { at: node.at }),
    },
    node,
  );
}

function gpusForm(node: Node): Node {
  if (textOf(node) === undefined) return node;
  return list([mapOf({ count: scalar('all', { at: node.at }) }, { at: node.at })], node);
}

function namesForm(node: Node, path: NodePath, context: CanonicalContext): Node {
  return node.kind === 'list' ? named(node, path, context, (item) => scalar(null, item)) : node;
}

/** A list of names as a mapping from each name to `value`. */
function named(node: ListNode, path: NodePath, context: CanonicalContext, value: (item: Node) => Node): MapNode {
  const entries = new Map<string, Node>();
  for (const [index, item] of node.items.entries()) {
    const name = textOf(item);
    if (name === undefined) invalid(item, [...path, index], context, 'a date is no name', 'put it in quotes');
    else entries.set(name, { ...value(item), key: item.at });
  }
  return map(entries, node);
}

function mountForm(node: Node, path: NodePath, context: CanonicalContext): Node | undefined {
  const text = textOf(node);
  if (text === undefined) return node;
  const mount = parseMount(text);
  if ('problem' in mount) return invalid(node, path, context, `"${text}" is no mount: ${mount.problem}`);
  if (/^[a-zA-Z]:\/[^:]*$/.test(text)) {
    const [letter = ''] = text;
    context.onWarning(
      `${pathText(path)}: "${text}" is read as a path on a Windows drive; give volume "${letter}" a longer name`,
      locationOf(node.at),
    );
  }
  const from = { at: node.at };
  const bind = mapOf({
    selinux: mount.selinux === undefined ? undefined : scalar(mount.selinux, from),
    propagation: mount.propagation === undefined ? undefined : scalar(mount.propagation, from),
    create_host_path: mount.type === 'bind' ? scalar(true) : undefined,
  });
  const tiny = text.length <= 2; // too short to be taken apart: an anonymous volume without options
  return mapOf(
    {
      type: scalar(mount.type, from),
      source: mount.source === '' ? undefined : scalar(mount.source, from),
      target: scalar(cleanPath(mount.target), from),
      read_only: mount.readOnly ? scalar(true, from) : undefined,
      bind: bind.entries.size > 0 ? bind : undefined,
      volume: mount.noCopy
        ? mapOf({ nocopy: scalar(true, from) })
        : mount.type === 'volume' && !tiny
          ? emptyMap()
          : undefined,
    },
    node,
  );
}

function portsForm(node: Node, path: NodePath, context: CanonicalContext): Node {
  if (node.kind !== 'list') return node;
  const ports: Node[] = [];
  for (const [index, item] of node.items.entries()) {
    if (item.kind !== 'scalar' || item.value === null) {
      ports.push(item);
      continue;
    }
    const text = scalarText(item);
    const parsed = item.float === true ? { problem: 'a port has no decimal point' } : parsePorts(text);
    if ('problem' in parsed) {
      // docker compose keeps the whole list as it is when one item holds a variable
      if (context.lenient) return node;
      invalid(item, [...path, index], context, `"${text}" is no port mapping: ${parsed.problem}`);
      continue;
    }
    for (const port of parsed.ports) {
      const from = { at: item.at };
      ports.push(
        mapOf(
          {
            mode: scalar('ingress'),
            host_ip: port.hostIp === undefined ? undefined : scalar(port.hostIp, from),
            target: scalar(port.target, from),
            published: port.published === undefined ? undefined : scalar(port.published, from),
            protocol: scalar(port.protocol, from),
          },
          from,
        ),
      );
    }
  }
  return list(ports, node);
}

/** `external: {name: x}` of old files becomes `external: true` beside `name: x`. */
function externalForm(node: Node, path: NodePath, context: CanonicalContext): Node {
  const external = child(node, 'external');
  if (!isMap(node) || !isMap(external)) return node;
  const marked = withMember(node, 'external', scalar(true, external));
  const name = child(external, 'name');
  if (name === undefined) return marked;
  const place = pathText(path);
  context.onWarning(`${place}: external.name is deprecated. Please set name and external: true`, locationOf(name.at));
  const own = child(node, 'name');
  if (own === undefined) return withMember(marked, 'name', name);
  if (textOf(own) !== textOf(name)) {
    context.problems.add({
      code: 'compose/conflict',
      message: `${place}: name and external.name conflict; only use name`,
      facts: { path: place },
      hint: 'take external.name out',
      at: locationOf(name.at),
    });
  }
  return marked;
}
