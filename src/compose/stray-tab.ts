import type { SyntaxNode } from './syntax-tree.js';

const tabbedLine = /^( *)\t.*$/gm;
const withoutContent = /^[ \t]*(?:#|$)/;

/**
 * The first tab at the beginning of a line that the library reads over and libyaml does not, and so docker compose: in
 * the indentation of a block text, and in a line of blanks and comments outside brackets and quotes.
 * @returns its offset
 */
export function strayTab(text: string, trees: readonly (SyntaxNode | null)[]): number | undefined {
  for (const { 0: line, 1: blanks = '', index } of text.matchAll(tabbedLine)) {
    const tab = index + blanks.length;
    const tree = trees.findLast((one) => one !== null && one.start <= tab);
    const place = { text, tab, column: blanks.length, empty: withoutContent.test(line) };
    if (tree === undefined || tree === null || !takesTab(tree, place, -1)) return tab;
  }
  return undefined;
}

interface Tab {
  readonly text: string;
  readonly tab: number;
  readonly column: number;
  /** Nothing but a comment on its line. */
  readonly empty: boolean;
}

/** @param block - column of the block collection the node is in */
function takesTab(node: SyntaxNode, place: Tab, block: number): boolean {
  const { text, tab, column, empty } = place;
  const opening = text.charAt(node.start);
  const inside = tab < node.end;
  switch (node.kind) {
    case 'alias':
      return !empty;
    case 'scalar':
      if (opening === '|' || opening === '>') return inside ? column >= indentation(text, node.start) : !empty;
      if (!node.plain) return inside || !empty;
      return !empty || (column > block && node.text !== '' && text.slice(node.end, tab).trim() === '');
    default: {
      if (opening === '[' || opening === '{') return inside || !empty;
      const parts = node.kind === 'list' ? node.items : node.pairs.flatMap(({ key, value }) => [key, value ?? key]);
      const before = parts.findLast(({ start }) => start <= tab);
      if (before === undefined) return !empty;
      return takesTab(before, place, node.start - text.lastIndexOf('\n', node.start) - 1);
    }
  }
}

/** Of the block text whose indicator stands there: that of its first line with content, which no tab may begin. */
function indentation(text: string, start: number): number {
  const [, stated, blanks = '', tab] = /[|>][-+]?(\d)?.*\n(?: *\n)*( *)(\t)?/y.exec(text.slice(start)) ?? [];
  if (stated !== undefined) return 0;
  return tab === undefined ? blanks.length : Infinity;
}
