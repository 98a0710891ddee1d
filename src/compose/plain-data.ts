import { parsePlainYaml } from './plain-yaml.js';
import type { SyntaxNode } from './syntax-tree.js';

/** Every scalar is its text, whatever it looks like. */
export type PlainData = string | readonly PlainData[] | { readonly [key: string]: PlainData };

/**
 * Data of a YAML text that a program wrote: one document without anchors, tags or keys that are there twice.
 * @returns undefined for any other text
 */
export function plainYamlData(text: string): PlainData | undefined {
  const [tree, ...more] = parsePlainYaml(text) ?? [];
  return tree === undefined || more.length > 0 ? undefined : dataOf(tree);
}

function dataOf(node: SyntaxNode): PlainData | undefined {
  if (node.kind === 'alias' || node.anchor !== undefined || node.tag !== undefined) return undefined;
  if (node.kind === 'scalar') return node.text;
  if (node.kind === 'list') {
    const items = node.items.map(dataOf);
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  const members = new Map<string, PlainData>();
  for (const { key, value } of node.pairs) {
    const name = dataOf(key);
    const data = value === undefined ? undefined : dataOf(value);
    if (typeof name !== 'string' || data === undefined || members.has(name)) return undefined;
    members.set(name, data);
  }
  return Object.fromEntries(members);
}
