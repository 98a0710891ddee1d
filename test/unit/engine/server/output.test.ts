import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { pump } from '../../../../src/engine/server/output.js';

/** Holds something from when it is first asked until it is left. */
async function* source(held: { count: number }) {
  held.count += 1;
  try {
    for (;;) {
      await Promise.resolve();
      yield { stream: 1 as const, payload: Buffer.from('x') };
    }
  } finally {
    held.count -= 10;
  }
}

test.each(['before', 'while'])('a source is asked, and left, when its reader goes %s it speaks', async (when) => {
  const held = { count: 0 };
  const to = new PassThrough().resume();
  if (when === 'before') to.destroy();
  else to.once('data', () => to.destroy());
  const { signal } = new AbortController();
  await pump(source(held), { tty: false, to, signal, describe: String });
  await expect.poll(() => held.count).toBe(-9);
});
