import { createInterface } from 'node:readline/promises';
import type { CliContext } from './context.js';
import type { Terminal } from './terminal.js';

/** Asks on standard error; only `1`, `t`, `y` and `true`, in any case, mean yes. No answer is no. */
export async function confirm({ stdin, stderr }: Terminal, question: string): Promise<boolean> {
  stderr.write(`${question}\nAre you sure? [yN] `);
  return await saysYes(stdin, ['1', 't', 'y', 'true']);
}

/**
 * Whether a volume is made anew whose definition has changed, which loses its data: only who says yes to the question, or
 * to all of them beforehand, has it so. A program is not asked: what it would be taken to answer may be meant otherwise.
 */
export function mayReplaceVolume(
  { terminal, dryRun, warn }: CliContext,
  assumeYes: boolean,
): (volume: string) => Promise<boolean> {
  return async (volume) => {
    if (assumeYes) return true;
    if (dryRun || terminal.stdin.isTTY !== true) return false;
    warn(
      `Volume "${volume}" exists but doesn't match configuration in compose file. Recreate (data will be lost)? [y/N]`,
    );
    return await saysYes(terminal.stdin, ['1', 't', 'y', 'yes', 'true']);
  };
}

async function saysYes(stdin: Terminal['stdin'], words: readonly string[]): Promise<boolean> {
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    for await (const line of lines) return words.includes(line.trim().toLowerCase());
    return false;
  } finally {
    lines.close();
  }
}
