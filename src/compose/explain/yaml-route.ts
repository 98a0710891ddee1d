import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseAllDocuments,
  visit,
  type Alias,
  type Document,
  type ParsedNode,
} from 'yaml';
import type { SourceLocation } from '../../base/source-location.js';
import type { NodePath } from '../model.js';
import type { ReadDocument } from '../trace.js';
import type { Via } from './step.js';

/** What lies at a path of a document, seen as YAML: the route there and the node's own place. */
export interface YamlRoute {
  readonly via: readonly Via[];
  readonly at: SourceLocation | undefined;
  readonly tag: string | undefined;
}

/** Reads documents once more, as YAML, where the loader's trees no longer tell aliases and merge keys. */
export class YamlRoutes {
  readonly #parsed = new Map<string, readonly YamlTree[]>();

  /** Undefined where the document has nothing. */
  at(document: ReadDocument, path: NodePath): YamlRoute | undefined {
    const { source, index } = document;
    const trees = this.#parsed.get(source.file) ?? treesOf(source.text);
    this.#parsed.set(source.file, trees);
    const tree = trees[index];
    if (tree === undefined || tree.contents === null) return undefined;
    return new Walker(tree.anchors, document).walk(tree.contents, path);
  }
}

interface YamlTree {
  readonly contents: ParsedNode | null;
  readonly anchors: Anchors;
}

function treesOf(text: string): readonly YamlTree[] {
  const parsed = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
  if (!Array.isArray(parsed)) return [];
  return parsed.map((document) => ({ contents: document.contents, anchors: anchorsOf(document) }));
}

type Anchors = ReadonlyMap<string, readonly ParsedNode[]>;

/** Finding an anchor goes through the whole document: once is enough. */
function anchorsOf(document: Document.Parsed): Anchors {
  const anchors = new Map<string, ParsedNode[]>();
  const take = (_key: unknown, node: { readonly anchor?: string }): void => {
    if (node.anchor === undefined) return;
    const known = anchors.get(node.anchor) ?? [];
    anchors.set(node.anchor, [...known, node as ParsedNode]);
  };
  visit(document, { Scalar: take, Map: take, Seq: take });
  return anchors;
}

class Walker {
  readonly #anchors: Anchors;
  readonly #document: ReadDocument;
  readonly #via: Via[] = [];

  constructor(anchors: Anchors, document: ReadDocument) {
    this.#anchors = anchors;
    this.#document = document;
  }

  walk(top: ParsedNode, path: NodePath): YamlRoute | undefined {
    let node: ParsedNode | null | undefined = this.#behind(top);
    for (const [index, step] of path.entries()) {
      if (node === null || node === undefined) return undefined;
      if (isMap(node)) node = this.#member(node, String(step), index === path.length - 1);
      else if (isSeq(node)) node = node.items[Number(step)];
      else return undefined;
      if (node === undefined) return undefined;
      if (node !== null) node = this.#behind(node);
    }
    return { via: this.#via, at: node ? this.#tagged(node) : undefined, tag: node?.tag };
  }

  /** What an alias stands for. */
  #behind(node: ParsedNode): ParsedNode | undefined {
    if (!isAlias(node)) return node;
    this.#via.push({ kind: 'alias', anchor: node.source, at: this.#place(node) });
    return this.#resolve(node);
  }

  /** A name may be given again: the nearest one before the alias counts. */
  #resolve(alias: Alias.Parsed): ParsedNode | undefined {
    return this.#anchors.get(alias.source)?.findLast(({ range: [start] }) => start < alias.range[0]);
  }

  /** Null for a key without a value. */
  #member(node: ParsedNode, key: string, last: boolean): ParsedNode | null | undefined {
    if (!isMap(node)) return undefined;
    const own = pairOf(node, key);
    for (const source of mergedInto(node)) {
      const target = isAlias(source) ? this.#resolve(source) : source;
      if (target === undefined) continue;
      const member = this.#lookInto(target, key);
      if (member === undefined) continue;
      if (own !== undefined) {
        // Above the value itself a hidden mapping need not have held it.
        if (member !== null && last) this.#via.push({ kind: 'hides', at: this.#place(member) });
        return own.value;
      }
      const anchor = isAlias(source) ? source.source : undefined;
      this.#via.push({ kind: 'merge-key', anchor, at: this.#place(source) });
      return member;
    }
    return own?.value;
  }

  /** A member without a note of the way there. */
  #lookInto(node: ParsedNode, key: string): ParsedNode | null | undefined {
    const own = pairOf(node, key);
    if (own !== undefined) return own.value;
    for (const source of mergedInto(node)) {
      const target = isAlias(source) ? this.#resolve(source) : source;
      const member = target === undefined ? undefined : this.#lookInto(target, key);
      if (member !== undefined) return member;
    }
    return undefined;
  }

  /** A tag stands before the range of its node. */
  #tagged(node: ParsedNode): SourceLocation {
    const { source } = this.#document;
    const [start, end] = node.range;
    const from = node.tag === undefined ? -1 : source.text.lastIndexOf(node.tag, start);
    const between = from === -1 ? '-' : source.text.slice(from + (node.tag ?? '').length, start);
    return between.trim() === '' ? source.locate(from, end) : this.#place(node);
  }

  #place(node: ParsedNode): SourceLocation {
    const [start, end] = node.range;
    return this.#document.source.locate(start, end);
  }
}

function pairOf(node: ParsedNode, key: string): { readonly value: ParsedNode | null } | undefined {
  if (!isMap(node)) return undefined;
  for (const pair of node.items) {
    if (isScalar(pair.key) && String(pair.key.value) === key) return { value: pair.value };
  }
  return undefined;
}

/** The mappings `<<` names, the one that counts most first. */
function mergedInto(node: ParsedNode): readonly ParsedNode[] {
  if (!isMap(node)) return [];
  const merges = node.items.filter(({ key }) => isScalar(key) && key.value === '<<' && key.type === 'PLAIN');
  return merges.flatMap(({ value }) => (isSeq(value) ? value.items : [value]) as ParsedNode[]);
}
