import { TscomposeError } from '../base/errors.js';
import type { Terminal } from './terminal.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/no-password': { readonly variable: string };
  }
}

const [interrupt, endOfInput, backspace, erase] = ['\x03', '\x04', '\b', '\x7f'];

/**
 * A password from the environment, or else from the terminal, which does not show it. Never from an argument, where
 * every user of the machine could read it.
 * @throws `cli/no-password` where there is no terminal, and when it is left with Ctrl-C
 */
export async function askPassword(
  { stdin, stderr, environment }: Terminal,
  variable: string,
  question: string,
): Promise<string> {
  const given = environment[variable];
  if (given !== undefined) return given;
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) throw noPassword(variable);
  stdin.setRawMode(true); // before the question: what is typed at once must not be shown either
  stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = '';
      const over = (settle: () => void): void => {
        stdin.off('data', take).pause();
        settle();
      };
      const take = (chunk: Buffer | string): void => {
        for (const character of chunk.toString()) {
          if (character === '\r' || character === '\n') {
            over(() => resolve(typed));
            return;
          }
          if (character === interrupt || character === endOfInput) {
            over(() => reject(noPassword(variable)));
            return;
          }
          typed = character === erase || character === backspace ? typed.slice(0, -1) : typed + character;
        }
      };
      stdin.on('data', take).once('end', () => reject(noPassword(variable)));
    });
  } finally {
    stdin.setRawMode(false);
    stderr.write('\n');
  }
}

function noPassword(variable: string): TscomposeError<'cli/no-password'> {
  return new TscomposeError({
    code: 'cli/no-password',
    message: 'the key wants a password, and nobody gave one',
    facts: { variable },
    hint: `type it on a terminal, or set ${variable}`,
  });
}
