import { hasCode, TscomposeError } from '../../base/errors.js';
import type { Service } from '../../compose/index.js';
import { defineCommand } from '../command.js';
import { commandTable } from '../command-table.js';
import { complete, type ProjectNames } from '../completion/candidates.js';
import type { CliContext } from '../context.js';
import { flag } from '../flags.js';
import { globalFlags, type GlobalValues } from '../global-flags.js';
import { parseCommand } from '../parse-command.js';
import { requireProject } from '../project.js';

/** Answers completion scripts; see completion/scripts.ts. Never fails: a shell has no use for a message. */
export const completeCommand = defineCommand({
  usage: '[WORD...]',
  flags: { forDocker: flag('Answer as docker asks its plugins', { hidden: true }) },
  stopsAtFirstArgument: true,
  run: async ({ flags, args, context }) => {
    const { candidates, paths } = await complete(args, commandTable, namesOf(args, context));
    const lines = candidates.map(({ word, description }) =>
      description === undefined ? word : `${word}\t${description.replace(/\s+/g, ' ')}`,
    );
    if (flags.forDocker) lines.push(`:${directives[paths]}`);
    else if (paths !== 'none') lines.push(`:${paths}`);
    context.terminal.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
});

/** What the shell is to add, as a number of spf13/cobra's `ShellCompDirective`. */
const directives = { none: 4, files: 0, folders: 16 } as const;

/** Names in the project the words ask for, those of every profile; none where the files do not load. */
function namesOf(words: readonly string[], context: CliContext): ProjectNames {
  const load = async (): Promise<Readonly<Record<string, Service>>> => {
    try {
      const globals = globalsOf(words.slice(0, -1));
      const quiet = { ...context, globals, warn: () => undefined };
      const without = ['interpolate', 'paths', 'normalize', 'consistency', 'environment'] as const;
      const { model, disabledServices } = await requireProject(quiet, { without });
      return { ...model.services, ...disabledServices };
    } catch (error) {
      if (error instanceof TscomposeError) return {};
      throw error;
    }
  };
  return {
    services: async () => Object.keys(await load()).sort(),
    profiles: async () => [...new Set(Object.values(await load()).flatMap(({ profiles }) => profiles ?? []))].sort(),
  };
}

/** Flags before the command. The last one may still be without its value. */
function globalsOf(words: readonly string[]): GlobalValues {
  const shape = { name: '', summary: '', usage: '[ARGS...]', flags: globalFlags, stopsAtFirstArgument: true };
  try {
    return parseCommand(shape, words).flags;
  } catch (error) {
    if (!hasCode(error, 'usage/invalid')) throw error;
    return parseCommand(shape, words.slice(0, -1)).flags;
  }
}
