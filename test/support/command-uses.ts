import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { normaliseArguments } from '../../src/cli/argument-forms.js';
import { commandTable } from '../../src/cli/command-table.js';
import { isGroup, type AnyCommand, type CommandEntry } from '../../src/cli/command.js';
import { longName, type Flags } from '../../src/cli/flags.js';
import { globalFlags, persistentFlags } from '../../src/cli/global-flags.js';
import { parseCommand } from '../../src/cli/parse-command.js';

export interface CommandPage {
  /** `engine start` */
  readonly name: string;
  readonly entry: CommandEntry;
  /** Undefined for a group. */
  readonly command: AnyCommand | undefined;
  readonly details: string | undefined;
  /** The command it is another name of. */
  readonly aliasOf: string | undefined;
}

/** All commands with those of groups, in the order of help. */
export async function allCommands(): Promise<readonly CommandPage[]> {
  const pages = await Promise.all(commandTable.map((entry) => pagesOf('', entry)));
  const all = pages.flat();
  return all.map((page, position) => {
    const first = all.findIndex(({ command }) => command !== undefined && command === page.command);
    return first < 0 || first === position ? page : { ...page, aliasOf: all[first]?.name };
  });
}

async function pagesOf(prefix: string, entry: CommandEntry): Promise<CommandPage[]> {
  const name = `${prefix}${entry.name}`;
  const loaded = await entry.load();
  if (!isGroup(loaded)) return [{ name, entry, command: loaded, details: loaded.details, aliasOf: undefined }];
  const inner = await Promise.all(loaded.subcommands.map((one) => pagesOf(`${name} `, one)));
  return [{ name, entry, command: undefined, details: loaded.details, aliasOf: undefined }, ...inner.flat()];
}

/**
 * What test files run: `up --detach`, `up`, and `--file` for a flag before the command, each with the files that do.
 * Found in their syntax trees: lists of words (`['up', '-d']`, `ok('up', '-d')`), lines (`'up -d'`) and helpers named
 * like a command (`cp('-a', …)`), as far as the CLI itself takes them.
 */
export function usesInTests(root: string, commands: readonly CommandPage[]): ReadonlyMap<string, readonly string[]> {
  const uses = new Map<string, Set<string>>();
  for (const file of testFiles(root)) {
    const seen = (key: string): void => {
      uses.set(key, (uses.get(key) ?? new Set()).add(relative(root, file)));
    };
    for (const words of wordLists(readFileSync(file, 'utf8'), commands)) usesOf(words, commands).forEach(seen);
  }
  return new Map([...uses].map(([key, files]) => [key, [...files]]));
}

function testFiles(root: string): readonly string[] {
  const folders = ['cli', 'engine'].map((name) => join(root, 'test', name));
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
    .filter((name) => name.endsWith('.ts'))
    .sort();
}

/** Helpers that take a whole command line, though a command has their name. */
const wholeLines = new Set(['run', 'start']);

function wordLists(source: string, commands: readonly CommandPage[]): readonly (readonly string[])[] {
  const names = new Set(commands.map(({ name }) => name).filter((name) => !wholeLines.has(name)));
  const found: (readonly string[])[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      if (isMatcher(node)) {
        visit(node.expression);
        return;
      }
      const helper = calledName(node.expression);
      if (helper === 'test' || helper === 'describe') {
        node.arguments.slice(1).forEach(visit); // a title is no command line
        return;
      }
      const words = wordsOf(node.arguments);
      if (words.length > 0) found.push(names.has(helper) ? [helper, ...words] : words);
    } else if (ts.isArrayLiteralExpression(node)) found.push(wordsOf(node.elements));
    else if (ts.isStringLiteralLike(node)) found.push(lineWords(node.text));
    else if (ts.isTemplateExpression(node)) found.push(lineWords(textOf(node)));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.Latest));
  return found;
}

function isMatcher({ expression }: ts.CallExpression): boolean {
  let inner: ts.Expression = expression;
  if (!ts.isPropertyAccessExpression(inner)) return false;
  while (ts.isPropertyAccessExpression(inner)) inner = inner.expression;
  return ts.isCallExpression(inner) && calledName(inner.expression) === 'expect';
}

function calledName(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text;
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : '';
}

/** `1` stands for what is only known when the test runs: it is text and number alike. */
const unknown = '1';

function wordsOf(nodes: readonly ts.Expression[]): readonly string[] {
  return nodes.flatMap((node) => {
    if (ts.isSpreadElement(node) && ts.isArrayLiteralExpression(node.expression))
      return wordsOf(node.expression.elements);
    if (ts.isStringLiteralLike(node)) return [node.text];
    if (ts.isTemplateExpression(node)) return [textOf(node)];
    const isWord =
      !ts.isSpreadElement(node) && !ts.isArrayLiteralExpression(node) && !ts.isObjectLiteralExpression(node);
    return isWord && !ts.isArrowFunction(node) ? [unknown] : [];
  });
}

function textOf(node: ts.TemplateExpression): string {
  return node.head.text + node.templateSpans.map(({ literal }) => unknown + literal.text).join('');
}

/** Only one line, which has at least one flag: prose and scripts are no command lines. */
function lineWords(text: string): readonly string[] {
  if (text.includes('\n') || !text.includes(' -')) return [];
  return (text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) => word.replace(/['"]/g, ''));
}

function usesOf(words: readonly string[], commands: readonly CommandPage[]): readonly string[] {
  try {
    const root = normaliseArguments(globalFlags, words, true);
    const page = commands
      .filter(({ command, name }) => command !== undefined && startsWith(root.rest, name.split(' ')))
      .at(-1);
    if (root.rest.length === 0) return given(globalFlags, words, true).filter((flag) => flag === '--version');
    if (page?.command === undefined) return [];
    const { flags, usage, stopsAtFirstArgument = false } = page.command;
    const rest = root.rest.slice(page.name.split(' ').length);
    const all = { ...flags, ...persistentFlags };
    const shape = { name: page.name, summary: '', usage, flags: all, stopsAtFirstArgument };
    if (parseCommand(shape, rest).help) return [];
    const own = given(all, rest, stopsAtFirstArgument).map((flag) =>
      flag in persistentNames ? flag : `${page.name} ${flag}`,
    );
    return [page.name, ...given(globalFlags, words, true), ...own];
  } catch {
    return []; // no command line, or one the CLI refuses
  }
}

const persistentNames = Object.fromEntries(Object.keys(persistentFlags).map((key) => [`--${longName(key)}`, true]));

function startsWith(words: readonly string[], start: readonly string[]): boolean {
  return start.every((word, position) => words[position] === word);
}

function given(flags: Flags, words: readonly string[], stop: boolean): readonly string[] {
  const { args, off } = normaliseArguments(flags, words, stop);
  const names = Object.keys(flags).map((key) => ({ key, long: `--${longName(key)}` }));
  return names
    .filter(({ key, long }) => off.has(key) || args.some((word) => word === long || word.startsWith(`${long}=`)))
    .map(({ long }) => long);
}
