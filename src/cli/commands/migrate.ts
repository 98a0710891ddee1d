import { existsSync, statSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { renderDiagnostic } from '../../base/diagnostic.js';
import { replaceFile } from '../../base/durable-file.js';
import { TscomposeError } from '../../base/errors.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { renderLocation } from '../../base/source-location.js';
import { findComposeTexts, migrateFile, type ComposeText, type MigratedFile } from '../../compose/index.js';
import { defineCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { flag, text } from '../flags.js';
import { exitCodes } from '../interrupts.js';
import { loadOptions } from '../project.js';

export const migrateCommand = defineCommand({
  details:
    'Takes files of the first format (no version, services at the top level), 2.x and 3.x, and changes only what must\n' +
    'change: comments, order and layout stay. What was changed, and why, is told on standard error.',
  usage: '[FILE...]',
  flags: {
    output: text('Write to this file instead of standard output', { short: 'o', placeholder: 'FILE' }),
    write: flag('Replace the files; the old ones are kept with .bak behind their names', { short: 'w' }),
  },
  run: async ({ flags, args, context }) => {
    const { terminal } = context;
    const options = loadOptions(context);
    const files = await findComposeTexts(args.length === 0 ? options : { ...options, files: args });
    const target = targetOf(flags, files);
    let remaining = 0;
    for (const file of files) {
      const migrated = migrateFile(file.path, file.text);
      tell(file, migrated, context);
      remaining += migrated.remaining.length;
      if (target === 'stdout') terminal.stdout.write(migrated.text);
      else if (target === 'in place') await replace(file, migrated, context);
      else if (context.dryRun) context.warn(`${target.file}: would be written`);
      else await replaceFile(resolve(terminal.cwd, target.file), migrated.text, { mode: 0o644 });
    }
    return remaining === 0 ? exitCodes.success : exitCodes.failure;
  },
});

function targetOf(
  { output, write }: { readonly output: string | undefined; readonly write: boolean },
  files: readonly ComposeText[],
): 'stdout' | 'in place' | { readonly file: string } {
  const invalid = (message: string, hint?: string): TscomposeError => invalidUsage(undefined, message, hint);
  if (write && output !== undefined) throw invalid('--write and --output exclude each other');
  if (write && files.some(({ path }) => path === '-')) throw invalid('--write: standard input cannot be replaced');
  if (write) return 'in place';
  if (files.length > 1) {
    const names = files.map(({ path }) => path).join(', ');
    throw invalid(`several files cannot go to one place: ${names}`, 'use --write, or name one of them');
  }
  return output === undefined ? 'stdout' : { file: output };
}

async function replace(
  { path, text: old }: ComposeText,
  { text: fresh }: MigratedFile,
  context: CliContext,
): Promise<void> {
  if (fresh === old) return;
  if (context.dryRun) {
    context.warn(`${shown(path, context)}: would be written`);
    return;
  }
  let backup = `${path}.bak`;
  for (let number = 2; existsSync(backup); number += 1) backup = `${path}.bak${number}`;
  await copyFile(path, backup);
  await replaceFile(path, fresh, { mode: statSync(path).mode & 0o777 });
  context.warn(`${shown(path, context)}: written; the old one is ${shown(backup, context)}`);
}

function tell({ path }: ComposeText, { from, changes, remaining }: MigratedFile, context: CliContext): void {
  const name = shown(path, context);
  const format = from === undefined ? '' : ` (format ${from})`;
  context.warn(changes.length === 0 ? `${name}${format}: nothing to change` : `${name}${format}:`);
  for (const { kind, what, why, at } of changes) {
    const place = renderLocation({ ...at, file: name });
    context.warn(`  ${place}: ${kind === 'note' ? 'note: ' : ''}${what}: ${why}`);
  }
  if (remaining.length === 0) return;
  context.warn(`${name}: today's format refuses ${remaining.length === 1 ? 'this' : 'these'} in the new text:`);
  for (const problem of remaining) {
    context.warn(renderDiagnostic(problem, { source: () => undefined, relativeTo: context.terminal.cwd }));
  }
}

function shown(path: string, { terminal }: CliContext): string {
  const short = relative(terminal.cwd, path);
  return path === '-' || short.startsWith('..') ? path : short;
}
