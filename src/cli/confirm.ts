import { createInterface } from 'node:readline/promises';
import type { CliContext } from './context.js';
import type { OutputStream } from './terminal.js';

/** Asks on standard error; only `1`, `t`, `y` and `true`, in any case, mean yes. No answer is no. */
export async function confirm(context: CliContext, question: string): Promise<boolean> {
  const answer = await answerTo(context, `${question}\nAre you sure? [yN] `, context.terminal.stderr);
  return ['1', 't', 'y', 'true'].includes(answer ?? '');
}

/**
 * Whether a volume is made anew whose definition has changed, which loses its data: only who says yes to the question, or
 * to all of them beforehand, has it so. A program is not asked: what it would be taken to answer may be meant otherwise.
 */
export function mayReplaceVolume(context: CliContext, assumeYes: boolean): (volume: string) => Promise<boolean> {
  const { terminal, dryRun } = context;
  return async (volume) => {
    if (assumeYes) return true;
    if (dryRun || terminal.stdin.isTTY !== true) return false;
    const question = `Volume "${volume}" exists but doesn't match configuration in compose file. Recreate (data will be lost)? [y/N]\n`;
    const answer = await answerTo(context, question, terminal.stderr);
    return ['1', 't', 'y', 'yes', 'true'].includes(answer ?? '');
  };
}

/**
 * Writes a question where it can be seen, and takes one line for the answer, in lower case and without the space around
 * it; undefined: there is none.
 * @throws `cli/interrupted`
 */
export async function answerTo(
  { terminal, signal, finishDrawing }: CliContext,
  question: string,
  stream: OutputStream,
): Promise<string | undefined> {
  await finishDrawing();
  stream.write(question);
  const lines = createInterface({ input: terminal.stdin, terminal: false, signal });
  try {
    for await (const line of lines) return line.trim().toLowerCase();
    signal.throwIfAborted();
    return undefined;
  } finally {
    lines.close();
  }
}
