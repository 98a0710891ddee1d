import type { NodePath } from '../model.js';
import { nodeAt, textOf, type Node } from '../node.js';
import { scalarText } from '../scalar.js';
import type { Place } from '../source-text.js';

/** Where a node of a stage's output was in its input. */
export type Counterpart =
  | { readonly kind: 'found'; readonly path: NodePath }
  /** The input had a short form there, of which the output was made. */
  | { readonly kind: 'short'; readonly path: NodePath }
  | { readonly kind: 'absent' };

/**
 * Follows a path of the output down both trees. Stages turn lists into mappings and back, expand short forms, drop and
 * add items; what belongs together is told by identity, place and name.
 * @param strict - items of lists must be the very same: the input is one of two, and the item may be the other's
 */
export function counterpartOf(input: Node | undefined, output: Node, path: NodePath, strict = false): Counterpart {
  let from = input;
  let to: Node | undefined = output;
  const found: (string | number)[] = [];
  for (const step of path) {
    to = nodeAt(to, [step]);
    if (from === undefined || to === undefined) return { kind: 'absent' };
    if (from.kind === 'scalar') return from.value === null ? { kind: 'absent' } : { kind: 'short', path: found };
    const key: NodePath | undefined = from.kind === 'map' ? inMap(from, step, to) : inList(from, step, to, strict);
    if (key === undefined) return { kind: 'absent' };
    found.push(...key);
    from = nodeAt(from, key);
  }
  return { kind: 'found', path: found };
}

function inMap(from: Node & { kind: 'map' }, step: string | number, to: Node): NodePath | undefined {
  if (typeof step === 'string') {
    if (from.entries.has(step)) return [step];
    return movedWithin(from, to);
  }
  const text = to.kind === 'scalar' ? scalarText(to) : '';
  for (const [key, value] of from.entries) if (samePlace(value.at, to.at) && startsWithName(text, key)) return [key];
  if (to.at !== undefined) return undefined;
  for (const key of from.entries.keys()) if (startsWithName(text, key)) return [key];
  return undefined;
}

/** `external: {name}` of old files becomes `name`. */
function movedWithin(from: Node & { kind: 'map' }, to: Node): NodePath | undefined {
  if (to.at === undefined || to.kind !== 'scalar') return undefined;
  for (const [outer, value] of from.entries) {
    if (value.kind !== 'map') continue;
    for (const [inner, member] of value.entries) if (samePlace(member.at, to.at)) return [outer, inner];
  }
  return undefined;
}

function inList(from: Node & { kind: 'list' }, step: string | number, to: Node, strict: boolean): NodePath | undefined {
  const same = from.items.indexOf(to);
  if (same !== -1) return [same];
  const place = to.at ?? to.key;
  const placed = from.items.findIndex((item) => samePlace(item.at, place) && mayBe(item, step, to));
  if (placed !== -1) return [placed];
  if (strict && place !== undefined) return undefined;
  if (typeof step === 'string') {
    const named = from.items.findLastIndex((item) => nameOf(item) === step);
    return named === -1 ? undefined : [named];
  }
  const text = to.kind === 'scalar' && to.at === undefined ? scalarText(to) : undefined;
  const alike = text === undefined ? -1 : from.items.findIndex((item) => normalised(item) === normalText(text));
  if (alike !== -1) return [alike];
  return step < from.items.length ? [step] : undefined;
}

/** Aliases give several items one place: then the name decides. */
function mayBe(item: Node, step: string | number, to: Node): boolean {
  if (typeof step === 'string') return nameOf(item) === step || item.kind !== 'scalar';
  const [one, other] = [nameOf(item), nameOf(to)];
  return one === undefined || other === undefined || one === other || item.kind !== to.kind;
}

export function samePlace(left: Place | undefined, right: Place | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left.start === right.start && left.end === right.end && left.source.file === right.source.file;
}

function nameOf(item: Node): string | undefined {
  return (item.kind === 'scalar' ? scalarText(item) : textOf(item))?.split('=', 1)[0];
}

function startsWithName(text: string, name: string): boolean {
  return text === name || text.startsWith(`${name}=`) || text.startsWith(`${name}:`);
}

// `host:ip` and `host=ip` say the same.
function normalised(item: Node): string | undefined {
  return item.kind === 'scalar' ? normalText(scalarText(item)) : undefined;
}

function normalText(text: string): string {
  return text.replace(/[:=]/, '=').replace(/[[\]]/g, '');
}
