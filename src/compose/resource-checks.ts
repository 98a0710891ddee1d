import { isIP } from 'node:net';
import type { NodePath } from './model.js';
import { child, isMap, textOf, type Node } from './node.js';
import { pathTable, ruleAt, stepTable, type PathTable, type TableState } from './path-table.js';
import { pathText, type Problems } from './problems.js';
import { locationOf } from './source-text.js';

type Check = (node: Node, path: NodePath, problems: Problems) => void;

/** Rules within one mapping that a schema cannot state. */
const checks: PathTable<Check> = pathTable<Check>({
  'volumes.*': externalAlone,
  'configs.*': oneSource(['file', 'environment', 'content']),
  'secrets.*': oneSource(['file', 'environment']),
  'services.*.develop.watch.*.path': notBlank,
  'services.*.deploy.resources.reservations.devices.*': countOrIds,
  'services.*.gpus.*': countOrIds,
  'services.*.volumes.*': mountIsWhole,
  'services.*.devices.*': needs('target'),
  'services.*.configs.*': needs('source'),
  'services.*.secrets.*': needs('source'),
  'services.*.build.secrets.*': needs('source'),
  'services.*.ports.*': portIsWhole,
});

export function checkResources(root: Node, problems: Problems): void {
  walk(root, [], [checks], problems);
}

function walk(node: Node, path: NodePath, state: TableState<Check>, problems: Problems): void {
  if (state.length === 0) return;
  ruleAt(state)?.(node, path, problems);
  if (node.kind === 'list') {
    for (const [index, item] of node.items.entries()) walk(item, [...path, index], stepTable(state, index), problems);
  } else if (node.kind === 'map') {
    for (const [key, value] of node.entries) walk(value, [...path, key], stepTable(state, key), problems);
  }
}

function conflict(node: Node, path: NodePath, problems: Problems, problem: string, hint: string): void {
  const place = pathText(path);
  const at = locationOf(node.key ?? node.at);
  problems.add({ code: 'compose/conflict', message: `${place}: ${problem}`, facts: { path: place }, hint, at });
}

function externalAlone(node: Node, path: NodePath, problems: Problems): void {
  if (!isExternal(node) || !isMap(node)) return;
  for (const [key, value] of node.entries) {
    if (key === 'name' || key === 'external' || key.startsWith('x-')) continue;
    const problem = `conflicting parameters "external" and "${key}" specified`;
    conflict(value, path, problems, problem, 'what is external is made elsewhere: only its name can be given');
  }
}

function isExternal(node: Node): boolean {
  const external = child(node, 'external');
  return external?.kind === 'scalar' && external.value === true;
}

function oneSource(keys: readonly string[]): Check {
  return (node, path, problems) => {
    if (!isMap(node)) return;
    const given = keys.filter((key) => node.entries.has(key));
    if (given.length > 1) {
      conflict(node, path, problems, `only one of ${keys.join(', ')} can be set`, 'keep one of them');
    } else if (given.length === 0 && !node.entries.has('driver') && !node.entries.has('external')) {
      conflict(
        node,
        path,
        problems,
        `one of ${keys.join(', ')} must be set`,
        'or external: true, when it exists already',
      );
    }
  };
}

function notBlank(node: Node, path: NodePath, problems: Problems): void {
  if (textOf(node) === '')
    conflict(node, path, problems, `the value can't be blank`, 'name a file or folder, such as ./src');
}

function countOrIds(node: Node, path: NodePath, problems: Problems): void {
  if (child(node, 'count') !== undefined && child(node, 'device_ids') !== undefined) {
    conflict(node, path, problems, '"count" and "device_ids" exclude each other', 'keep one of them');
  }
}

function needs(key: string): Check {
  return (node, path, problems) => {
    if (!isMap(node) || child(node, key) !== undefined) return;
    const place = pathText(path);
    problems.add({
      code: 'compose/missing-key',
      message: `${place} needs a key "${key}"`,
      facts: { path: place, key },
      hint: `add "${key}:"`,
      at: locationOf(node.at ?? node.key),
    });
  };
}

function mountIsWhole(node: Node, path: NodePath, problems: Problems): void {
  needs('target')(node, path, problems);
  if (textOf(child(node, 'type')) !== 'bind' || child(node, 'source') !== undefined) return;
  conflict(node, path, problems, 'a bind mount needs a source', 'source is a path of this machine');
}

function portIsWhole(node: Node, path: NodePath, problems: Problems): void {
  needs('target')(node, path, problems);
  const target = child(node, 'target');
  if (target?.kind === 'scalar' && target.value === 0) {
    conflict(target, path, problems, '0 is no port of a container', 'ports of a container are 1 to 65535');
  }
  const host = child(node, 'host_ip');
  const text = textOf(host);
  if (host === undefined || text === undefined || text === '' || isIP(text) !== 0) return;
  conflict(host, path, problems, `"${text}" is not an IP address`, 'such as 127.0.0.1; without it, all addresses');
}
