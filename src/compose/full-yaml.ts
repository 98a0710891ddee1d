import { isAlias, isScalar, isSeq, parseAllDocuments, type Document, type ParsedNode } from 'yaml';
import type { Problems } from './problems.js';
import type { SourceText } from './source-text.js';
import { strayTab } from './stray-tab.js';
import type { PairSyntax, SyntaxNode } from './syntax-tree.js';
import { describeStrayTab, describeSyntaxError } from './yaml-syntax.js';

/** What no YAML file may hold (YAML 1.2, 5.1). */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const control = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Parses all documents of any YAML file. Those with faults are left out; the faults are added to `problems`. */
export function parseFullYaml(source: SourceText, problems: Problems): readonly (SyntaxNode | null)[] {
  const forbidden = control.exec(source.text);
  if (forbidden !== null) {
    const problem = 'control characters are not allowed';
    const at = source.locate(forbidden.index, forbidden.index + 1);
    problems.add({ code: 'compose/yaml-syntax', message: problem, facts: { problem }, at });
    return [];
  }
  const trees: (SyntaxNode | null)[] = [];
  const documents = parseDocuments(source, problems);
  for (const [index, document] of documents.entries()) {
    // The parser goes on as it can: later faults of a line, and what is missing at the end, follow from the first.
    const lines = new Set<number | undefined>();
    const end = source.text.trimEnd().length;
    for (const error of document.errors) {
      const fault = describeSyntaxError(error, source);
      const follows = lines.has(fault.at?.line) || (lines.size > 0 && error.pos[0] >= end);
      if (!follows) problems.add(fault);
      lines.add(fault.at?.line);
    }
    if (index > 0 && document.contents !== null && document.directives.docStart !== true) {
      const problem = 'a document behind "..." begins with "---"'; // to libyaml
      const [start] = document.contents.range;
      problems.add({
        code: 'compose/yaml-syntax',
        message: problem,
        facts: { problem },
        at: source.locate(start, start),
      });
      continue;
    }
    if (document.errors.length > 0) continue;
    trees.push(document.contents === null ? null : treeOf(document.contents, source.text));
  }
  const tab = trees.length < documents.length ? undefined : strayTab(source.text, trees);
  if (tab !== undefined) problems.add(describeStrayTab(source.locate(tab, tab + 1)));
  return trees;
}

function parseDocuments(source: SourceText, problems: Problems): readonly Document.Parsed[] {
  try {
    const parsed = parseAllDocuments(source.text, {
      schema: 'failsafe', // scalars stay texts; what they mean is decided by resolvePlain()
      resolveKnownTags: false, // `!!omap` and others change the tree
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

function treeOf(node: ParsedNode, text: string): SyntaxNode {
  const [start, end] = node.range;
  if (isAlias(node)) return { kind: 'alias', name: node.source, start, end };
  const { tag, anchor } = node;
  if (isScalar(node)) {
    const own = typeof node.value === 'string' ? node.value : node.source;
    const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
    // The library ends a last line that ends with the file; docker compose does not.
    const unended = isBlock && end >= text.length && !text.endsWith('\n');
    return {
      kind: 'scalar',
      text: unended ? own.replace(/\n$/, '') : own,
      plain: node.type === 'PLAIN',
      tag,
      anchor,
      start,
      end,
    };
  }
  if (isSeq(node))
    return { kind: 'list', items: node.items.map((item) => treeOf(item, text)), tag, anchor, start, end };
  const pairs = node.items.map(({ key, value }): PairSyntax => ({
    key: treeOf(key, text),
    value: value === null ? undefined : treeOf(value, text),
  }));
  return { kind: 'map', pairs, tag, anchor, start, end };
}
