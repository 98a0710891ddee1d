import { isAlias, isScalar, isSeq, parseAllDocuments, type ParsedNode } from 'yaml';
import type { Alias, Document, Scalar, YAMLMap } from 'yaml';
import { locationOf, type Place, type SourceText } from './source-text.js';
import { list, map, scalar, type MapNode, type Node, type ScalarNode } from './node.js';
import { pathText, type Problems } from './problems.js';
import { resolvePlain } from './scalar.js';
import { describeSyntaxError } from './yaml-syntax.js';

/** One YAML document of a file, its aliases and merge keys resolved. */
export interface YamlDocument {
  readonly root: Node;
  /** Paths tagged `!reset` or `!override`: what earlier files say there is dropped. */
  readonly resets: readonly (readonly string[])[];
}

/** Aliases may repeat content up to this many nodes a document; beyond, the file is an attack or a mistake. */
const aliasedNodeLimit = 100_000;
const depthLimit = 128;

/**
 * Parses all documents of a file. Syntax errors, duplicate keys, keys that are no texts and endless aliases are added
 * to `problems`; what can be read is returned all the same.
 */
export function parseYaml(source: SourceText, problems: Problems): readonly YamlDocument[] {
  const documents: YamlDocument[] = [];
  for (const document of parseDocuments(source, problems)) {
    for (const error of document.errors) problems.add(describeSyntaxError(error, source));
    if (document.errors.length > 0) continue;
    const reader = new DocumentReader(source, problems);
    documents.push({ root: reader.read(document), resets: reader.resets });
  }
  return documents;
}

class DocumentReader {
  readonly resets: (readonly string[])[] = [];
  readonly #source: SourceText;
  readonly #problems: Problems;
  readonly #anchors = new Map<string, Anchored>();
  #aliasedNodes = 0;

  constructor(source: SourceText, problems: Problems) {
    this.#source = source;
    this.#problems = problems;
  }

  read(document: Document.Parsed): Node {
    const contents = document.contents;
    return (contents === null ? undefined : this.#node(contents, [], true)) ?? scalar(null);
  }

  /** Undefined for a `!reset` node. `open` is false below `!override`, where tags have no further meaning. */
  #node(node: ParsedNode, path: readonly string[], open: boolean): Node | undefined {
    if (isAlias(node)) return this.#alias(node, path, open);
    const anchor =
      node.anchor === undefined ? undefined : { tag: node.tag, node: undefined as Node | undefined, size: 0 };
    if (anchor !== undefined && node.anchor !== undefined) this.#anchors.set(node.anchor, anchor);
    if (open && (node.tag === '!reset' || node.tag === '!override')) this.resets.push(path);
    if (open && node.tag === '!reset') {
      if (anchor !== undefined) anchor.size = 1;
      return undefined;
    }
    if (path.length > depthLimit) {
      this.#complain(this.#place(node), `nested deeper than ${depthLimit} levels`);
      return scalar(null, { at: this.#place(node) });
    }
    const built = this.#build(node, path, open && node.tag !== '!override');
    if (anchor !== undefined) {
      anchor.node = built;
      anchor.size = sizeOf(built);
    }
    return built;
  }

  #build(node: Exclude<ParsedNode, Alias>, path: readonly string[], open: boolean): Node {
    const at = this.#place(node);
    if (isScalar(node)) return this.#scalar(node, at);
    if (isSeq(node)) {
      const items: Node[] = [];
      for (const [index, item] of node.items.entries()) {
        const built = this.#node(item, [...path, String(index)], open);
        if (built !== undefined) items.push(built);
      }
      return list(items, { at });
    }
    return this.#map(node, path, at, open);
  }

  #map(node: YAMLMap.Parsed, path: readonly string[], at: Place, open: boolean): MapNode {
    const entries = new Map<string, Node>();
    const merges: ParsedNode[] = [];
    const firstPlaces = new Map<string, Place>();
    for (const pair of node.items) {
      const key = this.#key(pair.key, path);
      if (key === undefined) continue;
      const first = firstPlaces.get(key.text);
      if (first !== undefined) {
        const firstLine = locationOf(first)?.line ?? 0;
        this.#problems.add({
          code: 'compose/duplicate-key',
          message: `mapping key "${key.text}" already defined at line ${firstLine}`,
          facts: { key: key.text, firstLine },
          at: locationOf(key.at),
        });
        continue;
      }
      firstPlaces.set(key.text, key.at);
      if (key.merge) {
        if (pair.value !== null) merges.push(pair.value);
        continue;
      }
      const built =
        pair.value === null ? scalar(null, { at: key.at }) : this.#node(pair.value, [...path, key.text], open);
      if (built !== undefined) entries.set(key.text, { ...built, key: key.at });
    }
    // Own keys win over merged ones, earlier merges over later ones (YAML merge key type).
    for (const merge of merges) this.#merge(merge, entries, path, open);
    return map(entries, { at });
  }

  #merge(node: ParsedNode, entries: Map<string, Node>, path: readonly string[], open: boolean): void {
    const built = this.#node(node, path, open);
    const sources = built?.kind === 'list' ? built.items : built === undefined ? [] : [built];
    for (const source of sources) {
      if (source.kind !== 'map') {
        this.#complain(this.#place(node), 'a merge key (<<) takes a mapping or a list of mappings');
        return;
      }
      for (const [key, value] of source.entries) if (!entries.has(key)) entries.set(key, value);
    }
  }

  #alias(alias: Alias.Parsed, path: readonly string[], open: boolean): Node | undefined {
    const at = this.#place(alias);
    const anchor = this.#anchors.get(alias.source);
    if (anchor === undefined) {
      this.#complain(at, `unknown anchor "${alias.source}"`);
      return scalar(null, { at });
    }
    if (open && (anchor.tag === '!reset' || anchor.tag === '!override')) {
      this.resets.push(path);
      if (anchor.tag === '!reset') return undefined;
    }
    if (anchor.node === undefined) {
      this.#complain(at, `cycle detected: anchor "${alias.source}" contains itself`);
      return scalar(null, { at });
    }
    const before = this.#aliasedNodes;
    this.#aliasedNodes += anchor.size;
    if (this.#aliasedNodes > aliasedNodeLimit) {
      if (before <= aliasedNodeLimit) {
        this.#complain(at, `aliases repeat more than ${aliasedNodeLimit} nodes in this document`);
      }
      return scalar(null, { at });
    }
    return anchor.node;
  }

  #key(node: ParsedNode | null, path: readonly string[]): { text: string; at: Place; merge: boolean } | undefined {
    let target: ParsedNode | null = node;
    let built: Node | undefined;
    if (target !== null && isAlias(target)) built = this.#alias(target, path, false);
    else if (target !== null && isScalar(target)) built = this.#scalar(target, this.#place(target));
    if (target !== null && isAlias(target)) target = null;
    const at = node === null ? this.#wholeFile() : this.#place(node);
    if (built?.kind !== 'scalar' || typeof built.value !== 'string' || built.timestamp !== undefined) {
      this.#problems.add({
        code: 'compose/key-not-text',
        message: `${path.length === 0 ? 'the top level' : pathText(path)} has a key that is not a text`,
        facts: { path: pathText(path) },
        hint:
          built?.kind === 'scalar' && built.value !== null ? `write "${String(built.value)}": with quotes` : undefined,
        at: locationOf(at),
      });
      return undefined;
    }
    const plain = target !== null && isScalar(target) && target.type === 'PLAIN';
    return { text: built.value, at, merge: built.value === '<<' && plain };
  }

  #scalar(node: Scalar.Parsed, at: Place): ScalarNode {
    const text = typeof node.value === 'string' ? node.value : '';
    switch (node.tag) {
      case undefined:
        return node.type === 'PLAIN' ? { ...scalar(null, { at }), ...resolvePlain(text) } : scalar(text, { at });
      case 'tag:yaml.org,2002:binary':
        return scalar(Buffer.from(text, 'base64').toString('utf8'), { at });
      case 'tag:yaml.org,2002:int':
      case 'tag:yaml.org,2002:bool':
      case 'tag:yaml.org,2002:null':
      case 'tag:yaml.org,2002:timestamp':
        return { ...scalar(null, { at }), ...resolvePlain(text) };
      case 'tag:yaml.org,2002:float':
        return Number.isFinite(Number(text))
          ? { ...scalar(Number(text), { at }), float: true }
          : { ...scalar(null, { at }), ...resolvePlain(text) };
      default:
        return scalar(text, { at });
    }
  }

  #place(node: ParsedNode): Place {
    const [start, end] = node.range;
    return { source: this.#source, start, end };
  }

  #wholeFile(): Place {
    return { source: this.#source, start: 0, end: 1 };
  }

  #complain(at: Place, problem: string): void {
    this.#problems.add({ code: 'compose/yaml-syntax', message: problem, facts: { problem }, at: locationOf(at) });
  }
}

interface Anchored {
  readonly tag: string | undefined;
  /** Undefined while the node is being read: an alias met then would contain itself. */
  node: Node | undefined;
  size: number;
}

function sizeOf(node: Node): number {
  if (node.kind === 'scalar') return 1;
  let size = 1;
  for (const member of node.kind === 'list' ? node.items : node.entries.values()) size += sizeOf(member);
  return size;
}

function parseDocuments(source: SourceText, problems: Problems): readonly Document.Parsed[] {
  try {
    const parsed = parseAllDocuments(source.text, {
      schema: 'failsafe', // scalars stay texts; what they mean is decided by resolvePlain()
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
    });
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    // The parser recurses: thousands of nested brackets exhaust its stack.
    if (!(error instanceof RangeError)) throw error;
    const problem = 'the file is nested too deep to be read';
    problems.add({ code: 'compose/yaml-syntax', message: problem, facts: { problem }, at: source.locate(0, 1) });
    return [];
  }
}
