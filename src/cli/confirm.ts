import { createInterface } from 'node:readline/promises';
import type { Terminal } from './terminal.js';

/** Asks on standard error; only `1`, `t`, `y` and `true`, in any case, mean yes. No answer is no. */
export async function confirm({ stdin, stderr }: Terminal, question: string): Promise<boolean> {
  stderr.write(`${question}\nAre you sure? [yN] `);
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    for await (const line of lines) return ['1', 't', 'y', 'true'].includes(line.trim().toLowerCase());
    return false;
  } finally {
    lines.close();
  }
}
