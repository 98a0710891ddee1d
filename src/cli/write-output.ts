import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf, TscomposeError } from '../base/errors.js';
import type { Terminal } from './terminal.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/output-not-written': { readonly path: string };
  }
}

/** For `--output FILE`; a relative path starts where the command was given. @throws `cli/output-not-written` */
export function writeOutput({ cwd }: Terminal, file: string, content: string): void {
  const path = resolve(cwd, file);
  try {
    writeFileSync(path, content);
  } catch (error) {
    const message = `cannot write ${path}: ${messageOf(error)}`;
    throw new TscomposeError({ code: 'cli/output-not-written', message, facts: { path } });
  }
}
