import type { SourceLocation } from '../../base/source-location.js';
import { mergeMannerOf } from '../merge.js';
import type { NodePath } from '../model.js';
import { isList, isNull, nodeAt, type Node } from '../node.js';
import { pathText } from '../problems.js';
import { scalarText } from '../scalar.js';
import { locationOf } from '../source-text.js';
import type { Derivation, ReadDocument, Trace, TreeRef } from '../trace.js';
import { itemKeyAt } from '../unicity.js';
import { counterpartOf, samePlace } from './counterpart.js';
import { reasonFor, samenessOf } from './reasons.js';
import type { LiteralStep, Step } from './step.js';
import { bareUse, usesIn } from './variable-uses.js';
import { YamlRoutes } from './yaml-route.js';

/** A node and what led to it, in the order it happened. */
export interface Story {
  readonly node: Node;
  readonly steps: readonly Step[];
}

/** A tag that takes away what earlier files say. */
export interface ResetTag {
  readonly tag: '!reset' | '!override';
  readonly at: SourceLocation | undefined;
  readonly path: NodePath;
}

type OneInput = Extract<
  Derivation,
  { stage: 'kept' | 'reset' | 'unique' | 'expanded' | 'defaults' | 'filled' | 'listed' | 'normalized' | 'paths' }
>;
type TwoInputs = Extract<Derivation, { over: TreeRef }>;

/** Where one call stands: the output of a stage, and the way below it. */
interface Point<How extends Derivation> {
  readonly how: How;
  /** The tree the stage made. */
  readonly output: Node;
  readonly node: Node;
  /** From `output` to `node`. */
  readonly rest: NodePath;
  /** From the top of the project to `node`. */
  readonly path: NodePath;
}

/** Follows values of a finished load back to the files, stage by stage, along what its trace recorded. */
export class Histories {
  readonly #trace: Trace;
  readonly #routes = new YamlRoutes();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** Undefined where the tree has nothing. */
  of(ref: TreeRef): Story | undefined {
    const node = nodeAt(ref.root, ref.path);
    if (node === undefined) return undefined;
    const made = this.#lastMade(ref);
    if (made === undefined) return { node, steps: [] };
    const point = { ...made, node, path: this.#fullPath(ref) };
    const { how } = point;
    switch (how.stage) {
      case 'read':
        return { node, steps: [this.#literal(how.document, point.rest, node), ...spelling(node)] };
      case 'merged':
      case 'included':
      case 'extended':
        return this.#combined({ ...point, how });
      case 'unique':
        return this.#unique({ ...point, how });
      default:
        return this.#changed({ ...point, how });
    }
  }

  /** The innermost tree on the way that a stage made as such: what is shared between trees was not changed between them. */
  #lastMade({ root, path }: TreeRef): { how: Derivation; output: Node; rest: NodePath } | undefined {
    for (let length = path.length; length >= 0; length--) {
      const output = nodeAt(root, path.slice(0, length));
      const how = output === undefined ? undefined : this.#trace.howMade(output);
      if (output !== undefined && how !== undefined) return { how, output, rest: path.slice(length) };
    }
    return undefined;
  }

  /** Full forms of extended services are trees of their own. */
  #fullPath({ root, path }: TreeRef): NodePath {
    const how = this.#trace.howMade(root);
    return how?.stage === 'extended' ? ['services', how.service, ...path] : path;
  }

  #literal(document: ReadDocument, path: NodePath, node: Node): LiteralStep {
    const via = this.#routes.at(document, path)?.via ?? [];
    return { kind: 'literal', source: 'yaml', at: locationOf(node.at ?? node.key), written: writtenAt(node), via };
  }

  #changed({ how, output, node, rest, path }: Point<OneInput>): Story {
    const top = nodeAt(how.from.root, how.from.path);
    const before = counterpartOf(top, output, rest);
    const value = textOfNode(node);
    if (before.kind === 'absent') {
      const origin: Step[] = node.at === undefined ? [] : [literalAt(node)];
      // What has a place follows from something else that stands there.
      const about = node.at === undefined ? path : path.slice(0, -1);
      return { node, steps: [...origin, { kind: 'default', value, reason: reasonFor(about, value) }] };
    }
    const inner = this.of({ root: how.from.root, path: [...how.from.path, ...before.path] });
    const steps = inner?.steps ?? [];
    if (before.kind === 'short') {
      const short = inner === undefined ? '' : textOfNode(inner.node);
      return { node, steps: [...steps, ...expansion(node, short, path)] };
    }
    const moved: readonly Step[] =
      before.path.length === rest.length ? [] : [{ kind: 'moved', from: pathText([...how.from.path, ...before.path]) }];
    const changes = inner === undefined ? [] : this.#difference(how, inner.node, node, path);
    return { node, steps: [...steps, ...moved, ...changes] };
  }

  /** What a stage did to a text or number. */
  #difference(how: OneInput, before: Node, after: Node, path: NodePath): readonly Step[] {
    if (after.kind !== 'scalar') return [];
    if (before.kind !== 'scalar') {
      const reason = 'older formats have a mapping here';
      return [{ kind: 'converted', before: writtenAt(before), value: scalarText(after), reason }];
    }
    const [written, value] = [scalarText(before), scalarText(after)];
    if (written === value && !(isNull(before) && !isNull(after))) return [];
    switch (how.stage) {
      case 'filled': {
        const uses = usesIn(written, this.#trace.layersOf(how.environment));
        if (!written.includes('$'))
          return [{ kind: 'converted', before: written, value, reason: 'the type of the attribute' }];
        return [{ kind: 'variables', template: written, value, uses }];
      }
      case 'listed':
      case 'normalized': {
        const name = isNull(before) ? undefined : written;
        if (name !== undefined && !value.startsWith(`${name}=`)) break;
        return [
          { kind: 'looked-up', use: bareUse(name ?? String(path.at(-1)), this.#trace.layersOf(how.environment)) },
        ];
      }
      case 'paths':
        return [{ kind: 'path', written, value, directory: how.directory }];
      default:
        break;
    }
    return [{ kind: 'converted', before: written, value, reason: 'the canonical form' }];
  }

  /** A later item of a list takes the place of an earlier one that means the same. */
  #unique({ how, output, node, rest, path }: Point<OneInput>): Story {
    const top = nodeAt(how.from.root, how.from.path);
    const start = path.length - rest.length;
    for (let length = 0; length < rest.length; length++) {
      const listPath = rest.slice(0, length);
      const list = nodeAt(output, listPath);
      const keyOf = isList(list) ? itemKeyAt(path.slice(0, start + length)) : undefined;
      const item = nodeAt(output, rest.slice(0, length + 1));
      const before = counterpartOf(top, output, listPath);
      const source = before.kind === 'found' && top !== undefined ? nodeAt(top, before.path) : undefined;
      if (keyOf === undefined || item === undefined || before.kind !== 'found' || !isList(source)) continue;
      const key = keyOf(item);
      const alike = source.items.flatMap((one, index) => (key !== undefined && keyOf(one) === key ? [index] : []));
      const own = alike.at(-1);
      if (own === undefined) break;
      const tail = rest.slice(length + 1);
      const storyOf = (index: number): readonly Step[] => {
        const base = [...how.from.path, ...before.path, index];
        const exact = this.of({ root: how.from.root, path: [...base, ...tail] });
        return (exact ?? this.of({ root: how.from.root, path: base }))?.steps ?? [];
      };
      if (alike.length === 1) return { node, steps: storyOf(own) };
      const reason = `${samenessOf(path.slice(0, start + length))}, and the later one counts`;
      const over: Step = { kind: 'over', manner: 'replaces', reason };
      const steps = alike.map((index) => storyOf(index).filter((step) => step.kind !== 'over'));
      return { node, steps: steps.flatMap((one, order) => (order === 0 ? one : [...one, over])) };
    }
    return this.#changed({ how, output, node, rest, path });
  }

  #combined(point: Point<TwoInputs>): Story {
    const { how, node, path } = point;
    const below = this.#side(how.from, point);
    const above = this.#side(how.over, point);
    const inherited = below === undefined ? [] : [...below.steps, ...passage(how)];
    if (above === undefined) return { node, steps: inherited };
    if (below === undefined) {
      const dropped = this.#dropped(how, namedPath(path, node));
      if (dropped.length > 0) return { node, steps: [...dropped, ...above.steps] };
      const replaced = this.#replacedWhole(how, point);
      if (replaced.length > 0) return { node, steps: [...replaced, ...above.steps, overOf(how, path)] };
      const joins = isItem(point) && this.#listBelow(how, point);
      const appended: Step[] = joins ? [{ kind: 'over', manner: 'appended', reason: 'lists are joined' }] : [];
      return { node, steps: [...above.steps, ...appended] };
    }
    // An empty value changes nothing.
    if (isNull(above.node) && !isNull(node)) return { node, steps: inherited };
    if (node.kind !== 'scalar') return { node, steps: [...inherited, ...above.steps] };
    return { node, steps: [...inherited, ...above.steps, overOf(how, path)] };
  }

  #side(side: TreeRef, { output, rest, path }: Point<TwoInputs>): Story | undefined {
    const top = nodeAt(side.root, side.path);
    const before = counterpartOf(top, output, rest, true);
    if (before.kind === 'absent') return undefined;
    const story = this.of({ root: side.root, path: [...side.path, ...before.path] });
    if (story === undefined || before.kind === 'found') return story;
    const node = nodeAt(output, rest);
    if (node === undefined || !(samePlace(node.at, story.node.at) || node.at === undefined)) return undefined;
    return { node, steps: [...story.steps, ...expansion(node, textOfNode(story.node), path)] };
  }

  /** What `!reset` or `!override` took away before the later document was laid over. */
  #dropped(how: TwoInputs, path: NodePath): readonly Step[] {
    const tag = this.tagOn(path);
    if (tag === undefined) return [];
    let made = this.#trace.howMade(how.from.root);
    while (made !== undefined && 'from' in made) {
      const story = made.stage === 'reset' ? this.of({ root: made.from.root, path: tag.path }) : undefined;
      if (story !== undefined) return [...story.steps, { kind: 'dropped', tag: tag.tag, at: tag.at }];
      made = this.#trace.howMade(made.from.root);
    }
    return [];
  }

  /** The last `!reset` or `!override` on a path or above it. */
  tagOn(path: NodePath): ResetTag | undefined {
    for (const document of this.#trace.documents.toReversed()) {
      const reset = document.resets.find((one) => one.every((step, index) => String(path[index]) === step));
      if (reset === undefined) continue;
      const route = this.#routes.at(document, reset);
      if (route !== undefined)
        return { tag: route.tag === '!reset' ? '!reset' : '!override', at: route.at, path: reset };
    }
    return undefined;
  }

  /** The earlier list or text, where the later one takes its place as a whole. */
  #replacedWhole(how: TwoInputs, { output, rest, path }: Point<TwoInputs>): readonly Step[] {
    const start = path.length - rest.length;
    for (let length = 1; length < rest.length; length++) {
      if (mergeMannerOf(path.slice(0, start + length)) !== 'replaced') continue;
      const top = nodeAt(how.from.root, how.from.path);
      const before = counterpartOf(top, output, rest.slice(0, length));
      if (before.kind === 'absent') continue;
      return this.of({ root: how.from.root, path: [...how.from.path, ...before.path] })?.steps ?? [];
    }
    return [];
  }

  #listBelow(how: TwoInputs, { output, rest }: Point<TwoInputs>): boolean {
    const top = nodeAt(how.from.root, how.from.path);
    const length = rest.findLastIndex((step) => typeof step === 'number');
    return length !== -1 && counterpartOf(top, output, rest.slice(0, length)).kind === 'found';
  }
}

/** Assignments in lists go by their name, as tags in mappings do. */
function namedPath(path: NodePath, node: Node): NodePath {
  const [name = '', value] = node.kind === 'scalar' ? scalarText(node).split('=', 2) : [];
  return typeof path.at(-1) === 'number' && value !== undefined ? [...path.slice(0, -1), name] : path;
}

function isItem({ rest }: Point<Derivation>): boolean {
  return rest.some((step) => typeof step === 'number');
}

function passage(how: TwoInputs): readonly Step[] {
  if (how.stage === 'included') return [{ kind: 'included', at: locationOf(how.entry.at) }];
  if (how.stage === 'extended') {
    return [{ kind: 'extended', at: locationOf(how.extend.key ?? how.extend.at), by: how.service }];
  }
  return [];
}

function overOf(how: TwoInputs, path: NodePath): Step {
  const whole = path.some((_, index) => mergeMannerOf(path.slice(0, index + 1)) === 'replaced');
  const order = {
    merged: 'the later file wins',
    included: 'what a file says itself lies over what it includes',
    extended: 'what a service says itself lies over what it extends',
  }[how.stage];
  return { kind: 'over', manner: 'replaces', reason: whole ? `${order}, as a whole` : order };
}

function expansion(node: Node, short: string, path: NodePath): readonly Step[] {
  const value = textOfNode(node);
  if (node.at === undefined) return [{ kind: 'default', value, reason: reasonFor(path, value) }];
  return value === short ? [] : [{ kind: 'expanded', short, value }];
}

/** Numbers may be written in other ways than they are shown: `0440` is octal. */
function spelling(node: Node): readonly Step[] {
  if (node.kind !== 'scalar' || (typeof node.value !== 'number' && typeof node.value !== 'bigint')) return [];
  const [before, value] = [writtenAt(node), scalarText(node)];
  return before === value ? [] : [{ kind: 'converted', before, value, reason: 'a number of YAML' }];
}

function literalAt(node: Node): LiteralStep {
  return { kind: 'literal', source: 'yaml', at: locationOf(node.at), written: writtenAt(node), via: [] };
}

/** The text of a file behind a node. */
function writtenAt(node: Node): string {
  const place = node.at ?? node.key;
  return place === undefined ? textOfNode(node) : place.source.text.slice(place.start, place.end).trimEnd();
}

export function textOfNode(node: Node): string {
  if (node.kind === 'scalar') return scalarText(node);
  return node.kind === 'list' ? '[]' : '{}';
}
