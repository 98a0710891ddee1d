import { isAlias, isMap, isScalar, isSeq, type Document, type ParsedNode, type YAMLMap } from 'yaml';

export type MapNode = YAMLMap.Parsed;
export type Pair = MapNode['items'][number];

/** Members of a mapping as written, merge keys left aside. */
export interface Member {
  readonly key: string;
  /** Where the key stands. */
  readonly at: readonly [start: number, end: number];
  readonly value: ParsedNode | null;
}

export function membersOf(node: MapNode): Member[] {
  return node.items.flatMap(({ key, value }) =>
    isScalar(key) && typeof key.value === 'string'
      ? [{ key: key.value, at: [key.range[0], key.range[1]] as const, value }]
      : [],
  );
}

export function member(node: MapNode | undefined, key: string): Member | undefined {
  return node === undefined ? undefined : membersOf(node).find((one) => one.key === key);
}

export function mapOf(node: ParsedNode | null | undefined): MapNode | undefined {
  return node != null && isMap(node) ? node : undefined;
}

export function listOf(node: ParsedNode | null | undefined): readonly ParsedNode[] {
  return node != null && isSeq(node) ? node.items : [];
}

/** Text of a scalar, without its quotes. */
export function scalarText(node: ParsedNode | null | undefined): string | undefined {
  return node != null && isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

export function isFlow(node: MapNode): boolean {
  return node.flow === true;
}

/** The mapping behind an alias, or the mapping itself. */
export function resolved(node: ParsedNode | null | undefined, document: Document.Parsed): MapNode | undefined {
  if (node == null) return undefined;
  const target = isAlias(node) ? node.resolve(document) : node;
  return isMap(target) ? (target as MapNode) : undefined; // of a parsed document, so parsed itself
}

/** Mappings that `<<` brings into this one. */
export function mergedInto(node: MapNode, document: Document.Parsed): MapNode[] {
  const source = member(node, '<<')?.value;
  const sources = source != null && isSeq(source) ? source.items : [source];
  return sources.flatMap((one) => resolved(one, document) ?? []);
}

/** Offset behind the last character of a member: of its value, or of its colon. */
export function endOf({ at, value }: Member, text: string): number {
  const end = value === null ? -1 : endOfNode(value, text);
  return Math.max(end, text.indexOf(':', at[1]) + 1);
}

function endOfNode(node: ParsedNode, text: string): number {
  if (isMap(node) && !isFlow(node)) {
    const last = node.items.at(-1);
    const key = last?.key as ParsedNode | null | undefined; // the type leaves out `? ` without a key
    const value = last?.value == null ? -1 : endOfNode(last.value, text);
    return Math.max(value, key == null ? -1 : key.range[1]);
  }
  if (isSeq(node) && node.flow !== true) {
    const last = node.items.at(-1);
    return last === undefined ? node.range[1] : endOfNode(last, text);
  }
  // A block scalar ends with its line break, which belongs to what follows.
  return isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED')
    ? node.range[0] + text.slice(node.range[0], node.range[1]).trimEnd().length
    : node.range[1];
}
