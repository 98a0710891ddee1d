import type { SourceLocation } from '../../base/source-location.js';
import type { EnvEntry } from '../environment.js';
import type { NodePath } from '../model.js';
import { isNull, nodeAt, textOf, type Node } from '../node.js';
import { pathTable, ruleAt, stepTable, type TableState } from '../path-table.js';
import { pathText } from '../problems.js';
import { referencesIn, type TemplateReference } from '../template.js';
import type { ReadDocument, Trace, VariableLayer } from '../trace.js';
import { expandable } from './service-file-steps.js';

/** One place where a variable of the project is used. */
export interface Mention {
  readonly name: string;
  /** `${TAG:-latest}`; a bare name where the variable is passed on as it is. */
  readonly expression: string;
  readonly operator: string;
  readonly at: SourceLocation;
  /** Where in the file; undefined in env files. */
  readonly path: string | undefined;
  /** The text the expression is part of, as written. */
  readonly written: string;
  readonly layers: readonly VariableLayer[];
}

/** Attributes that name variables without a dollar. */
const bareNames = pathTable<'names' | 'name'>({
  'services.*.environment': 'names',
  'services.*.build.args': 'names',
  'secrets.*.environment': 'name',
  'configs.*.environment': 'name',
});

/** Every use of a variable in all files a load read: compose files, those they include and extend, env files. */
export function mentionsIn(trace: Trace): readonly Mention[] {
  const found = new Map<string, Mention>();
  const add = (mention: Mention): void => {
    const key = `${mention.at.file}:${mention.at.line}:${mention.at.column}:${mention.name}`;
    if (!found.has(key)) found.set(key, mention);
  };
  for (const document of trace.documents) {
    const layers = trace.layersOf(document.environment);
    visit(document.root, [], [bareNames], { document, layers, add });
    for (const { entries } of layers) for (const entry of entries.values()) inEntry(entry, layers, add);
  }
  const [first] = trace.documents;
  const layers = first === undefined ? [] : trace.layersOf(first.environment);
  for (const { entries } of trace.serviceFiles) for (const entry of entries) inEntry(entry, layers, add);
  return [...found.values()];
}

interface Visit {
  readonly document: ReadDocument;
  readonly layers: readonly VariableLayer[];
  readonly add: (mention: Mention) => void;
}

function visit(node: Node, path: NodePath, state: TableState<'names' | 'name'>, into: Visit): void {
  const rule = ruleAt(state);
  if (rule === 'names') bareIn(node, path, into);
  if (node.kind === 'scalar') {
    const text = textOf(node);
    if (rule === 'name' && text !== undefined && !text.includes('$')) bareAt(node, text, path, into);
    if (text?.includes('$') === true) inText(node, path, into);
    return;
  }
  const members = node.kind === 'list' ? node.items.entries() : node.entries;
  for (const [key, member] of members) visit(member, [...path, key], stepTable(state, key), into);
}

/** The text is searched as it is written, so that each variable has a place of its own. */
function inText(node: Node, path: NodePath, { document, layers, add }: Visit): void {
  if (node.at === undefined) return;
  const { start, end, source } = node.at;
  const written = source.text.slice(start, end);
  for (const reference of withInner(written)) {
    const { name, operator } = reference;
    const expression = written.slice(reference.start, reference.end);
    const at = document.source.locate(start + reference.start, start + reference.end);
    add({ name, expression, operator, at, path: pathText(path), written, layers });
  }
}

function withInner(text: string, offset = 0): readonly TemplateReference[] {
  return referencesIn(text, offset).flatMap((one) => [one, ...withInner(one.operand, one.operandStart)]);
}

function bareIn(node: Node, path: NodePath, into: Visit): void {
  if (node.kind === 'scalar') return;
  const members = node.kind === 'list' ? node.items.entries() : node.entries;
  for (const [key, member] of members) {
    const text = node.kind === 'list' ? textOf(member) : isNull(member) ? String(key) : undefined;
    if (text !== undefined && !/[=$]/.test(text)) bareAt(member, text, [...path, key], into);
  }
}

function bareAt(node: Node, name: string, path: NodePath, { layers, add }: Visit): void {
  const place = node.key ?? node.at;
  const at = place?.source.locate(place.start, place.end);
  if (at === undefined || name === '') return;
  add({ name, expression: name, operator: 'bare', at, path: pathText(path), written: name, layers });
}

/** Env files use variables too: in their values, and where a name stands alone. */
function inEntry(entry: Partial<EnvEntry>, layers: readonly VariableLayer[], add: (mention: Mention) => void): void {
  const { name, written, at, value } = entry;
  if (name === undefined || written === undefined || at === undefined) return;
  if (!/[=:]/.test(written)) {
    add({ name, expression: name, operator: 'bare', at, path: undefined, written, layers });
  } else if (expandable({ written, value }) !== undefined) {
    for (const { name: used, operator, start, end } of withInner(written)) {
      const expression = written.slice(start, end);
      add({ name: used, expression, operator, at, path: undefined, written, layers });
    }
  }
}

/** Env files services name for their containers. */
export function serviceEnvFiles(root: Node | undefined): ReadonlySet<string> {
  const services = root === undefined ? undefined : nodeAt(root, ['services']);
  const files = new Set<string>();
  if (services?.kind !== 'map') return files;
  for (const service of services.entries.values()) {
    const list = nodeAt(service, ['env_file']);
    for (const item of list?.kind === 'list' ? list.items : []) {
      const path = textOf(nodeAt(item, ['path']));
      if (path !== undefined) files.add(path);
    }
  }
  return files;
}
