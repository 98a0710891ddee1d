import type { NodePath } from './model.js';
import type { Place } from './source-text.js';

/**
 * The tree every loading stage works on: plain data, each node with the place it came from, so that positions survive
 * merging, canonical forms and defaults. Maps keep any key, `__proto__` included, as data. Nodes are never changed;
 * a stage that alters one makes a new one, and aliases may share.
 */
export type Node = ScalarNode | ListNode | MapNode;

export type ScalarValue = string | number | bigint | boolean | null;

interface Placed {
  /** Where the value stands. */
  readonly at?: Place | undefined;
  /** Where the key stands, for a value in a mapping. */
  readonly key?: Place | undefined;
}

export interface ScalarNode extends Placed {
  readonly kind: 'scalar';
  readonly value: ScalarValue;
  /** The number is a floating-point one (`8.0`, `1e3`), which compose tells apart from `8`. */
  readonly float?: true;
  /** The value is a YAML timestamp; this is how it reads once made a text. */
  readonly timestamp?: string;
}

export interface ListNode extends Placed {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

export interface MapNode extends Placed {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Node>;
}

type Origin = Placed | undefined;

export function scalar(value: ScalarValue, from?: Origin): ScalarNode {
  return { kind: 'scalar', value, at: from?.at, key: from?.key };
}

export function list(items: readonly Node[], from?: Origin): ListNode {
  return { kind: 'list', items, at: from?.at, key: from?.key };
}

export function map(entries: ReadonlyMap<string, Node>, from?: Origin): MapNode {
  return { kind: 'map', entries, at: from?.at, key: from?.key };
}

/** A map of members that are present, in the order given. */
export function mapOf(members: Readonly<Record<string, Node | undefined>>, from?: Origin): MapNode {
  const entries = new Map<string, Node>();
  for (const [name, node] of Object.entries(members)) if (node !== undefined) entries.set(name, node);
  return map(entries, from);
}

export function emptyMap(from?: Origin): MapNode {
  return map(new Map(), from);
}

export function isMap(node: Node | undefined): node is MapNode {
  return node?.kind === 'map';
}

export function isList(node: Node | undefined): node is ListNode {
  return node?.kind === 'list';
}

export function isNull(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.value === null;
}

/** Member of a map; undefined for anything else. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined;
}

/** The text of a string scalar; undefined for anything else. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' && node.timestamp === undefined
    ? node.value
    : undefined;
}

/** `map` with one member set (at its old position) or, for undefined, left out. */
export function withMember(target: MapNode, key: string, node: Node | undefined): MapNode {
  const entries = new Map(target.entries);
  if (node === undefined) entries.delete(key);
  else entries.set(key, node);
  return { ...target, entries };
}

/** Rebuilds a container with each child replaced; a child mapped to undefined is left out. Same node when nothing changed. */
export function mapChildren(node: Node, change: (child: Node, key: string | number) => Node | undefined): Node {
  if (node.kind === 'scalar') return node;
  return node.kind === 'list' ? mapItems(node, change) : mapMembers(node, change);
}

// Most walks change little: nothing is copied before the first change.
function mapItems(node: ListNode, change: (child: Node, key: number) => Node | undefined): Node {
  let items: Node[] | undefined;
  for (const [index, item] of node.items.entries()) {
    const next = change(item, index);
    if (next === item && items === undefined) continue;
    items ??= node.items.slice(0, index);
    if (next !== undefined) items.push(next);
  }
  return items === undefined ? node : { ...node, items };
}

function mapMembers(node: MapNode, change: (child: Node, key: string) => Node | undefined): Node {
  let entries: Map<string, Node> | undefined;
  for (const [key, value] of node.entries) {
    const next = change(value, key);
    if (next === value) continue;
    entries ??= new Map(node.entries);
    if (next === undefined) entries.delete(key);
    else entries.set(key, next);
  }
  return entries === undefined ? node : { ...node, entries };
}

/** The node at a path, or undefined. */
export function nodeAt(root: Node, path: NodePath): Node | undefined {
  let node: Node | undefined = root;
  for (const step of path) node = stepInto(node, step);
  return node;
}

/** Place of the node at a path, or of its nearest ancestor that has one. Keys count as part of their value. */
export function placeAt(root: Node, path: NodePath, prefer: 'value' | 'key' = 'value'): Place | undefined {
  let node: Node | undefined = root;
  let place = root.at;
  for (const [index, step] of path.entries()) {
    node = stepInto(node, step);
    if (node === undefined) break;
    const last = index === path.length - 1;
    place = (last && prefer === 'key' ? (node.key ?? node.at) : (node.at ?? node.key)) ?? place;
  }
  return place;
}

function stepInto(node: Node | undefined, step: string | number): Node | undefined {
  if (node?.kind === 'map') return node.entries.get(String(step));
  return node?.kind === 'list' ? node.items[Number(step)] : undefined;
}

/** Plain data without prototypes, so that no key can reach one. */
export function toPlain(node: Node): unknown {
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'bigint' ? Number(node.value) : node.value;
    case 'list':
      return node.items.map(toPlain);
    case 'map': {
      const plain = Object.create(null) as Record<string, unknown>;
      for (const [key, value] of node.entries) plain[key] = toPlain(value);
      return plain;
    }
  }
}

/** Deep equality of data, places aside. */
export function sameData(left: Node, right: Node): boolean {
  if (left === right) return true;
  if (left.kind === 'scalar') return right.kind === 'scalar' && left.value === right.value;
  if (left.kind === 'list') {
    return (
      right.kind === 'list' &&
      left.items.length === right.items.length &&
      left.items.every((item, index) => {
        const other = right.items[index];
        return other !== undefined && sameData(item, other);
      })
    );
  }
  if (right.kind !== 'map' || left.entries.size !== right.entries.size) return false;
  for (const [key, value] of left.entries) {
    const other = right.entries.get(key);
    if (other === undefined || !sameData(value, other)) return false;
  }
  return true;
}
