import type { NodePath } from './model.js';
import {
  child,
  isList,
  isMap,
  isNull,
  list,
  map,
  mapOf,
  sameData,
  scalar,
  textOf,
  type MapNode,
  type Node,
} from './node.js';
import { pathTable, ruleAt, stepTable, type PathTable, type TableState } from './path-table.js';
import { pathText, type Problems } from './problems.js';
import { scalarText } from './scalar.js';
import { locationOf } from './source-text.js';

/** How two definitions of one attribute become one: `base` is the earlier, `over` the later file's. */
type MergeRule = (base: Node, over: Node, at: MergePoint) => Node;

interface MergePoint {
  readonly path: NodePath;
  readonly state: TableState<MergeRule>;
  readonly problems: Problems;
}

/** Where "maps merge by key, lists append, the later scalar wins" does not hold (Compose Specification, "Merge"). */
const rules: PathTable<MergeRule> = pathTable<MergeRule>({
  'networks.*.ipam.config': mergeIpamPools,
  'networks.*.labels': appendAssignments,
  'volumes.*.labels': appendAssignments,
  'services.*.annotations': appendAssignments,
  'services.*.build': mergeBuild,
  'services.*.build.args': appendAssignments,
  'services.*.build.additional_contexts': appendAssignments,
  'services.*.build.extra_hosts': appendNew,
  'services.*.build.labels': appendAssignments,
  'services.*.command': replace,
  'services.*.depends_on': mergeDependsOn,
  'services.*.deploy.labels': appendAssignments,
  'services.*.dns': appendAssignments,
  'services.*.dns_opt': appendAssignments,
  'services.*.dns_search': appendAssignments,
  'services.*.entrypoint': replace,
  'services.*.env_file': appendAssignments,
  'services.*.label_file': appendAssignments,
  'services.*.environment': appendAssignments,
  'services.*.extra_hosts': appendNew,
  'services.*.healthcheck.test': replace,
  'services.*.labels': appendAssignments,
  'services.*.logging': mergeLogging,
  'services.*.models': mergeNamed,
  'services.*.networks': mergeNamed,
  'services.*.sysctls': appendAssignments,
  'services.*.tmpfs': appendAssignments,
  'services.*.ulimits.*': replace,
  'services.*.volumes.*.volume.labels': appendAssignments,
});

/** What two definitions of one attribute amount to. */
export type MergeManner = 'replaced' | 'appended' | 'merged';

/** How the lists, texts and mappings at a path are combined where a rule says so; undefined where the general one holds. */
export function mergeMannerOf(path: NodePath): MergeManner | undefined {
  let state: TableState<MergeRule> = [rules];
  for (const step of path) state = stepTable(state, step);
  const rule = ruleAt(state);
  if (rule === undefined) return undefined;
  if (rule === replace) return 'replaced';
  return rule === appendAssignments || rule === appendNew ? 'appended' : 'merged';
}

/** Lays a later file over what earlier ones said. Values that cannot be combined are added to `problems`. */
export function mergeFiles(base: MapNode, over: MapNode, problems: Problems): MapNode {
  return mergeMembers(base, over, { path: [], state: [rules], problems });
}

/** Lays a service over the one it extends, by the same rules as files. */
export function mergeService(base: MapNode, over: MapNode, name: string, problems: Problems): MapNode {
  const state = stepTable(stepTable([rules], 'services'), name);
  return mergeMembers(base, over, { path: ['services', name], state, problems });
}

function mergeNode(base: Node, over: Node, at: MergePoint): Node {
  const rule = ruleAt(at.state);
  if (rule !== undefined) return keyed(rule(base, over, at), over);
  if (isNull(over)) return base;
  if (base.kind === 'scalar') return over;
  if (isMap(base) && isMap(over)) return keyed(mergeMembers(base, over, at), over);
  if (isList(base) && isList(over)) return keyed(list([...base.items, ...over.items], over), over);
  const place = pathText(at.path);
  at.problems.add({
    code: 'compose/conflict',
    message: `cannot override ${place}: ${base.kind === 'map' ? 'a mapping' : 'a list'} was given before`,
    facts: { path: place },
    hint: 'use the same form in all files, or the !override tag to replace the earlier value',
    at: locationOf(over.at),
  });
  return base;
}

function mergeMembers(base: MapNode, over: MapNode, at: MergePoint): MapNode {
  const entries = new Map(base.entries);
  for (const [key, value] of over.entries) {
    const earlier = entries.get(key);
    if (earlier === undefined || key.startsWith('x-')) {
      entries.set(key, value);
      continue;
    }
    const step = { path: [...at.path, key], state: stepTable(at.state, key), problems: at.problems };
    entries.set(key, mergeNode(earlier, value, step));
  }
  return map(entries, over.at === undefined ? base : over);
}

function keyed(node: Node, over: Node): Node {
  return over.key === undefined || node.key === over.key ? node : { ...node, key: over.key };
}

function replace(_base: Node, over: Node): Node {
  return over;
}

function appendAssignments(base: Node, over: Node): Node {
  return list([...assignments(base), ...assignments(over)], over);
}

function appendNew(base: Node, over: Node): Node {
  const earlier = assignments(base);
  const later = assignments(over).filter((item) => !earlier.some((other) => sameData(item, other)));
  return list([...earlier, ...later], over);
}

/** A mapping as a list of `KEY=value` sorted by text, a text as a list of one. */
function assignments(node: Node): readonly Node[] {
  if (node.kind === 'list') return node.items;
  if (node.kind === 'scalar') return typeof node.value === 'string' ? [node] : [];
  const items: { text: string; node: Node }[] = [];
  for (const [key, value] of node.entries) {
    for (const one of value.kind === 'list' ? value.items : [value]) {
      const text = isNull(one) ? key : `${key}=${one.kind === 'scalar' ? scalarText(one) : ''}`;
      items.push({ text, node: scalar(text, { at: one.at ?? value.key, key: undefined }) });
    }
  }
  items.sort((left, right) => (left.text < right.text ? -1 : left.text > right.text ? 1 : 0));
  return items.map((item) => item.node);
}

function mergeBuild(base: Node, over: Node, at: MergePoint): Node {
  if (isNull(over)) return base;
  const left = buildMap(base);
  const right = buildMap(over);
  if (left === undefined || right === undefined) return over;
  return mergeMembers(left, right, at);
}

function buildMap(node: Node): MapNode | undefined {
  if (node.kind === 'map') return node;
  return textOf(node) === undefined ? undefined : mapOf({ context: node }, node);
}

function mergeDependsOn(base: Node, over: Node, at: MergePoint): Node {
  const started = (item: Node): Node =>
    mapOf({ condition: scalar('service_started', item), required: scalar(true, item) }, item);
  return mergeMembers(named(base, started), named(over, started), at);
}

function mergeNamed(base: Node, over: Node, at: MergePoint): Node {
  const nothing = (item: Node): Node => scalar(null, item);
  return mergeMembers(named(base, nothing), named(over, nothing), at);
}

/** A list of names as a mapping from each name to `value`. */
function named(node: Node, value: (item: Node) => Node): MapNode {
  if (node.kind === 'map') return node;
  const entries = new Map<string, Node>();
  if (node.kind === 'list') {
    for (const item of node.items) {
      const name = textOf(item);
      if (name !== undefined) entries.set(name, { ...value(item), key: item.at });
    }
  }
  return map(entries, node);
}

// Options belong to a driver: they are combined only when both sides mean the same one.
function mergeLogging(base: Node, over: Node, at: MergePoint): Node {
  if (!isMap(base) || !isMap(over)) return isNull(over) ? base : over;
  const before = child(base, 'driver');
  const after = child(over, 'driver');
  if (before === undefined || after === undefined || sameData(before, after)) return mergeMembers(base, over, at);
  return over;
}

function mergeIpamPools(base: Node, over: Node, at: MergePoint): Node {
  if (!isList(base) || !isList(over)) return isNull(over) ? base : over;
  const subnetOf = (pool: Node): Node | undefined => child(pool, 'subnet');
  const same = (left: Node, right: Node): boolean => {
    const [one, other] = [subnetOf(left), subnetOf(right)];
    return one === undefined || other === undefined ? one === other : sameData(one, other);
  };
  const pools: Node[] = [];
  for (const original of base.items) {
    for (const later of over.items) {
      if (!isMap(original) || !isMap(later)) continue;
      if (!same(original, later) && !pools.some((pool) => same(pool, later))) {
        pools.push(later);
        continue;
      }
      const merged = mergeMembers(original, later, at);
      const index = pools.findIndex((pool) => same(pool, merged));
      if (index === -1) pools.push(merged);
      else pools[index] = merged;
    }
  }
  return list(pools, over);
}
