import { mapChildren, scalar, textOf, withMember, child, type MapNode, type Node } from './node.js';
import { pathTable, ruleAt, stepTable, type PathTable, type TableState } from './path-table.js';

type Fill = (node: MapNode) => MapNode;

/** Members a canonical tree has even when no file gives them. */
const fills: PathTable<Fill> = pathTable<Fill>({
  'services.*.build': (build) => withDefault(build, 'context', () => scalar('.')),
  'services.*.secrets.*': (secret) =>
    withDefault(secret, 'target', () => {
      const source = child(secret, 'source');
      return scalar(`/run/secrets/${textOf(source) ?? ''}`, { at: source?.at });
    }),
  'services.*.ports.*': (port) =>
    withDefault(
      withDefault(port, 'protocol', () => scalar('tcp')),
      'mode',
      () => scalar('ingress'),
    ),
  'services.*.deploy.resources.reservations.devices.*': countAll,
  'services.*.gpus.*': countAll,
});

export function fillDefaults(root: MapNode): MapNode {
  return walk(root, [fills]) as MapNode;
}

function walk(node: Node, state: TableState<Fill>): Node {
  if (state.length === 0) return node;
  const fill = ruleAt(state);
  if (fill !== undefined) return node.kind === 'map' ? fill(node) : node;
  return mapChildren(node, (member, key) => walk(member, stepTable(state, key)));
}

function countAll(request: MapNode): MapNode {
  if (request.entries.has('device_ids')) return request;
  return withDefault(request, 'count', () => scalar('all'));
}

function withDefault(node: MapNode, key: string, value: () => Node): MapNode {
  return node.entries.has(key) ? node : withMember(node, key, value());
}
