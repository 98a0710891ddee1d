import { PassThrough } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { confirm, mayReplaceVolume } from '../../../src/cli/confirm.js';
import { createContext, type OpenContext } from '../../../src/cli/create-context.js';
import { globalFlags } from '../../../src/cli/global-flags.js';
import { Interrupts } from '../../../src/cli/interrupts.js';
import { parseCommand } from '../../../src/cli/parse-command.js';

let stdin: PassThrough & { isTTY: boolean };
let written: string;
let interrupts: Interrupts;
let open: OpenContext;

beforeEach(() => {
  written = '';
  stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stderr = {
    ...{ isTTY: true, columns: 80, rows: 24 },
    write: (text: string | Uint8Array) => {
      written += String(text);
      return true;
    },
    ...{ on: () => undefined, off: () => undefined, once: () => undefined },
  };
  interrupts = new Interrupts(() => expect.unreachable('left at once'));
  const shape = { name: 'tscompose', summary: '', usage: '[ARGS...]', flags: globalFlags };
  const { flags } = parseCommand(shape, []);
  open = createContext(flags, { stdin, stdout: stderr, stderr, environment: {}, cwd: '/' }, {}, interrupts);
});

test('a question stands below what was drawn, and a later drawing below the question', async () => {
  const progress = await open.context.progress('up');
  progress.report({ kind: 'done', subject: 'Image first', status: 'Built' });
  const answer = mayReplaceVolume(open.context, false)('data');
  await expect.poll(() => written).toMatch(/Image first.*Volume "data" exists .*\[y\/N\]\n$/s);
  const seen = written.length;
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(written).toHaveLength(seen); // two pictures of a spinner later
  stdin.write('Yes\n');
  expect(await answer).toBe(true);
  progress.report({ kind: 'done', subject: 'Volume data', status: 'Created' });
  await open.settle();
  expect(written.slice(seen)).toContain('Volume data');
  expect(written.slice(seen)).not.toContain('Image first');
});

test('an interrupt at a question ends the command', async () => {
  const answer = confirm(open.context, 'Going to remove a');
  await expect.poll(() => written).toContain('Are you sure? [yN] ');
  interrupts.raise('SIGINT');
  await expect(answer).rejects.toMatchObject({ code: 'cli/interrupted' });
});

test('no answer is no', async () => {
  const answer = confirm(open.context, 'Going to remove a');
  stdin.end();
  expect(await answer).toBe(false);
});
