import type { NodePath } from './model.js';
import { child, isList, mapChildren, textOf, type Node } from './node.js';
import { parseMount } from './mount-syntax.js';
import { pathTable, ruleAt, stepTable, type PathTable, type TableState } from './path-table.js';
import { scalarText } from './scalar.js';

/** What makes two items of a list the same thing; undefined where that cannot be said (the item is then kept). */
export type ItemKey = (item: Node) => string | undefined;

/** Lists in which a later item replaces the earlier one with the same key, at its place. */
const keys: PathTable<ItemKey> = pathTable<ItemKey>({
  'networks.*.labels': nameKey,
  'networks.*.ipam.options': nameKey,
  'services.*.annotations': nameKey,
  'services.*.build.args': nameKey,
  'services.*.build.additional_contexts': nameKey,
  'services.*.build.tags': nameKey,
  'services.*.build.labels': nameKey,
  'services.*.cap_add': nameKey,
  'services.*.cap_drop': nameKey,
  'services.*.configs': fileKey(''),
  'services.*.deploy.labels': nameKey,
  'services.*.devices': deviceKey,
  'services.*.dns': nameKey,
  'services.*.dns_opt': nameKey,
  'services.*.dns_search': nameKey,
  'services.*.environment': nameKey,
  'services.*.env_file': pathKey,
  'services.*.expose': valueKey,
  'services.*.labels': nameKey,
  'services.*.links': nameKey,
  'services.*.networks.*.aliases': nameKey,
  'services.*.networks.*.link_local_ips': nameKey,
  'services.*.ports': portKey,
  'services.*.profiles': nameKey,
  'services.*.secrets': fileKey('/run/secrets'),
  'services.*.sysctls': nameKey,
  'services.*.tmpfs': nameKey,
  'services.*.volumes': mountKey,
});

/** What tells the items of the list at a path apart; undefined for lists that keep every item. */
export function itemKeyAt(path: NodePath): ItemKey | undefined {
  let state: TableState<ItemKey> = [keys];
  for (const step of path) state = stepTable(state, step);
  return ruleAt(state);
}

/** Drops items of lists that a later item of the same name, target or port redefines. */
export function keepLastDefinitions(root: Node): Node {
  return walk(root, [keys]);
}

function walk(node: Node, state: TableState<ItemKey>): Node {
  if (state.length === 0 || node.kind === 'scalar') return node;
  if (node.kind === 'map') return mapChildren(node, (member, key) => walk(member, stepTable(state, key)));
  const keyOf = ruleAt(state);
  if (keyOf === undefined) return node;
  const items: Node[] = [];
  const places = new Map<string, number>();
  for (const item of node.items) {
    const key = keyOf(item);
    const earlier = key === undefined ? undefined : places.get(key);
    if (earlier !== undefined) items[earlier] = item;
    else {
      if (key !== undefined) places.set(key, items.length);
      items.push(item);
    }
  }
  return items.length === node.items.length ? node : { ...node, items };
}

function nameKey(item: Node): string | undefined {
  return textOf(item)?.split('=', 1)[0];
}

function valueKey(item: Node): string | undefined {
  return item.kind === 'scalar' ? scalarText(item) : undefined;
}

function pathKey(item: Node): string | undefined {
  return textOf(item) ?? textOf(child(item, 'path'));
}

function fileKey(directory: string): ItemKey {
  return (item) => {
    const short = textOf(item);
    if (short !== undefined) return `${directory}/${short}`;
    const source = textOf(child(item, 'source'));
    return textOf(child(item, 'target')) ?? (source === undefined ? undefined : `${directory}/${source}`);
  };
}

function mountKey(item: Node): string | undefined {
  const short = textOf(item);
  if (short === undefined) return textOf(child(item, 'target'));
  const mount = parseMount(short);
  return 'problem' in mount ? undefined : mount.target;
}

function deviceKey(item: Node): string | undefined {
  const short = textOf(item);
  if (short === undefined) return textOf(child(item, 'target'));
  const [source, target] = short.split(':');
  return target ?? source;
}

function portKey(item: Node): string | undefined {
  if (item.kind === 'scalar') return scalarText(item);
  if (isList(item)) return undefined;
  const part = (name: string, otherwise: string): string => {
    const node = child(item, name);
    return node?.kind === 'scalar' ? scalarText(node) : otherwise;
  };
  if (child(item, 'target') === undefined) return undefined;
  return `${part('host_ip', '0.0.0.0')}:${part('published', '')}:${part('target', '')}/${part('protocol', 'tcp')}`;
}
