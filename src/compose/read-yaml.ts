import { parseFullYaml } from './full-yaml.js';
import { parsePlainYaml } from './plain-yaml.js';
import type { AliasSyntax, MapSyntax, ScalarSyntax, SyntaxNode } from './syntax-tree.js';
import { locationOf, type Place, type SourceText } from './source-text.js';
import { list, map, scalar, type MapNode, type Node, type ScalarNode } from './node.js';
import { pathText, type Problems } from './problems.js';
import { kindOf, resolvePlain } from './scalar.js';

/** One YAML document of a file, its aliases and merge keys resolved. */
export interface YamlDocument {
  readonly root: Node;
  /** Paths tagged `!reset` or `!override`: what earlier files say there is dropped. */
  readonly resets: readonly (readonly string[])[];
}

/** Aliases may repeat content up to this many nodes a document; beyond, the file is an attack or a mistake. */
const aliasedNodeLimit = 100_000;
const depthLimit = 128;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Parses all documents of a file. Syntax errors, duplicate keys, keys that are no texts and endless aliases are added
 * to `problems`; what can be read is returned all the same.
 */
export function parseYaml(source: SourceText, problems: Problems): readonly YamlDocument[] {
  const trees = parsePlainYaml(source.text) ?? parseFullYaml(source, problems);
  const anchors: Anchors = new Map(); // of earlier documents too, as docker compose has it
  return trees.map((tree) => {
    const reader = new DocumentReader(source, problems, anchors);
    return { root: reader.read(tree), resets: reader.resets };
  });
}

class DocumentReader {
  readonly resets: (readonly string[])[] = [];
  readonly #source: SourceText;
  readonly #problems: Problems;
  readonly #anchors: Anchors;
  #aliasedNodes = 0;

  constructor(source: SourceText, problems: Problems, anchors: Anchors) {
    this.#source = source;
    this.#problems = problems;
    this.#anchors = anchors;
  }

  read(tree: SyntaxNode | null): Node {
    return (tree === null ? undefined : this.#node(tree, [], true)) ?? scalar(null);
  }

  /** Undefined for a `!reset` node. `open` is false below `!override`, where tags have no further meaning. */
  #node(node: SyntaxNode, path: readonly string[], open: boolean): Node | undefined {
    if (node.kind === 'alias') return this.#alias(node, path, open);
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

  #build(node: Exclude<SyntaxNode, AliasSyntax>, path: readonly string[], open: boolean): Node {
    const at = this.#place(node);
    if (node.kind === 'scalar') return this.#scalar(node, at);
    if (node.kind === 'list') {
      const items: Node[] = [];
      for (const [index, item] of node.items.entries()) {
        const built = this.#node(item, [...path, String(index)], open);
        if (built !== undefined) items.push(built);
      }
      return list(items, { at });
    }
    return this.#map(node, path, at, open);
  }

  #map(node: MapSyntax, path: readonly string[], at: Place, open: boolean): MapNode {
    const entries = new Map<string, Node>();
    const merges: SyntaxNode[] = [];
    const firstPlaces = new Map<string, Place>();
    for (const pair of node.pairs) {
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
        if (pair.value !== undefined) merges.push(pair.value);
        continue;
      }
      const built =
        pair.value === undefined ? scalar(null, { at: key.at }) : this.#node(pair.value, [...path, key.text], open);
      if (built !== undefined) entries.set(key.text, { ...built, key: key.at });
    }
    // Own keys win over merged ones, earlier merges over later ones (YAML merge key type).
    for (const merge of merges) this.#merge(merge, entries, path, open);
    return map(entries, { at });
  }

  #merge(node: SyntaxNode, entries: Map<string, Node>, path: readonly string[], open: boolean): void {
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

  #alias(alias: AliasSyntax, path: readonly string[], open: boolean): Node | undefined {
    const at = this.#place(alias);
    const anchor = this.#anchors.get(alias.name);
    if (anchor === undefined) {
      this.#complain(at, `unknown anchor "${alias.name}"`);
      return scalar(null, { at });
    }
    if (open && (anchor.tag === '!reset' || anchor.tag === '!override')) {
      this.resets.push(path);
      if (anchor.tag === '!reset') return undefined;
    }
    if (anchor.node === undefined) {
      this.#complain(at, `cycle detected: anchor "${alias.name}" contains itself`);
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

  #key(node: SyntaxNode, path: readonly string[]): { text: string; at: Place; merge: boolean } | undefined {
    const at = this.#place(node);
    const built =
      node.kind === 'alias'
        ? this.#alias(node, path, false)
        : node.kind === 'scalar'
          ? this.#scalar(node, at)
          : undefined;
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
    if (node.kind === 'scalar' && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { tag: node.tag, node: built, size: 1 });
    }
    const plain = node.kind === 'scalar' && node.plain;
    return { text: built.value, at, merge: built.value === '<<' && plain };
  }

  #scalar(node: ScalarSyntax, at: Place): ScalarNode {
    const { text } = node;
    switch (node.tag) {
      case undefined:
        return node.plain ? this.#finite({ ...scalar(null, { at }), ...resolvePlain(text) }, at) : scalar(text, { at });
      case 'tag:yaml.org,2002:binary':
        if (!base64.test(text.replace(/[\r\n]/g, ''))) this.#complain(at, 'a value tagged !!binary must be Base64');
        return scalar(Buffer.from(text, 'base64').toString('utf8'), { at });
      case 'tag:yaml.org,2002:int':
      case 'tag:yaml.org,2002:bool':
      case 'tag:yaml.org,2002:null':
      case 'tag:yaml.org,2002:timestamp':
        return this.#tagged({ ...scalar(null, { at }), ...resolvePlain(text) }, node.tag, at);
      case 'tag:yaml.org,2002:float':
        return Number.isFinite(Number(text))
          ? { ...scalar(Number(text), { at }), float: true }
          : this.#tagged(this.#finite({ ...scalar(null, { at }), ...resolvePlain(text) }, at), node.tag, at);
      default:
        return scalar(text, { at });
    }
  }

  #tagged(node: ScalarNode, tag: string, at: Place): ScalarNode {
    const type = tag.slice(tag.lastIndexOf(':') + 1);
    if (!isOfType[type]?.(node)) this.#complain(at, `${kindOf(node)} is not what its tag !!${type} says`);
    return node;
  }

  /** `.inf` and `.nan` have no place in JSON, so in no model. */
  #finite(node: ScalarNode, at: Place): ScalarNode {
    if (typeof node.value === 'number' && !Number.isFinite(node.value)) {
      this.#complain(at, 'a number must be finite; as a text it needs quotes');
    }
    return node;
  }

  #place({ start, end }: SyntaxNode): Place {
    return { source: this.#source, start, end };
  }

  #complain(at: Place, problem: string): void {
    this.#problems.add({ code: 'compose/yaml-syntax', message: problem, facts: { problem }, at: locationOf(at) });
  }
}

/** What a tag promises, by the type it names. */
const isOfType: Readonly<Record<string, (node: ScalarNode) => boolean>> = {
  int: ({ value, float }) => (typeof value === 'number' || typeof value === 'bigint') && float !== true,
  float: ({ value }) => typeof value === 'number' || typeof value === 'bigint',
  bool: ({ value }) => typeof value === 'boolean',
  null: ({ value }) => value === null,
  timestamp: ({ timestamp }) => timestamp !== undefined,
};

interface Anchored {
  readonly tag: string | undefined;
  /** Undefined while the node is being read: an alias met then would contain itself. */
  node: Node | undefined;
  size: number;
}

type Anchors = Map<string, Anchored>;

function sizeOf(node: Node): number {
  if (node.kind === 'scalar') return 1;
  let size = 1;
  for (const member of node.kind === 'list' ? node.items : node.entries.values()) size += sizeOf(member);
  return size;
}
