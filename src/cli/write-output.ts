import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, TscomposeError } from '../base/errors.js';
import type { CliContext } from './context.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/output-not-written': { readonly path: string };
  }
}

/**
 * For `--output FILE`; a relative path starts where the command was given. A dry run only says so.
 * @throws `cli/output-not-written`
 */
export function writeOutput({ terminal, dryRun, warn }: CliContext, file: string, content: string): void {
  if (dryRun) {
    warn(`${file}: would be written`);
    return;
  }
  const path = resolve(terminal.cwd, file);
  try {
    writeFileSync(path, content);
  } catch (error) {
    const message = `cannot write ${path}: ${messageOf(error)}`;
    throw new TscomposeError({ code: 'cli/output-not-written', message, facts: { path } });
  }
}
