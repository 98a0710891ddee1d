import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../../src/execute/index.js';
import { progressMode } from '../../../src/cli/render/progress.js';
import { drawScreen, type ScreenRow } from '../../../src/cli/render/progress-screen.js';
import { colourStyle, plainStyle } from '../../../src/cli/render/style.js';
import { textWidth } from '../../../src/base/text-width.js';
import { createProgress } from '../../../src/cli/render/create-progress.js';
import type { OutputStream } from '../../../src/cli/terminal.js';

const events: readonly ProgressEvent[] = [
  { kind: 'started', subject: 'Network hitos_default', status: 'Creating' },
  { kind: 'done', subject: 'Network hitos_default', status: 'Created' },
  { kind: 'started', subject: 'Container hitos-web-1', status: 'Starting' },
  { kind: 'progress', subject: 'Container hitos-web-1', status: 'Starting' },
  { kind: 'failed', subject: 'Container hitos-web-1', status: 'Error', detail: 'port 8080 is taken' },
];

function stream(terminal?: { columns: number; rows: number }): OutputStream & { text(): string } {
  let text = '';
  return {
    ...(terminal === undefined ? {} : { isTTY: true, ...terminal }),
    write: (piece) => {
      text += typeof piece === 'string' ? piece : Buffer.from(piece).toString();
      return true;
    },
    on: () => undefined,
    off: () => undefined,
    once: () => undefined,
    text: () => text,
  };
}

async function shown(mode: 'tty' | 'plain' | 'json' | 'quiet', dryRun = false): Promise<string> {
  const output = stream({ columns: 80, rows: 24 });
  const progress = await createProgress(mode, { stream: output, style: plainStyle, dryRun, operation: 'up' });
  for (const event of events) progress.report(event);
  await progress.end();
  await progress.end();
  return output.text();
}

describe('progress as lines', () => {
  test("plain lines are docker compose's, each state once", async () => {
    expect(await shown('plain')).toBe(
      ' Network hitos_default  Creating\n Network hitos_default  Created\n Container hitos-web-1  Starting\n' +
        ' Container hitos-web-1  Error port 8080 is taken\n',
    );
  });

  test('a dry run says so on every line', async () => {
    expect((await shown('plain', true)).split('\n')[0]).toBe(' DRY-RUN MODE -  Network hitos_default  Creating');
  });

  test('json has one object a line and no empty members', async () => {
    const lines = (await shown('json')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual({
      id: 'Container hitos-web-1',
      status: 'Error',
      text: 'Error',
      details: 'port 8080 is taken',
    });
    expect(JSON.parse(lines[0] ?? '')).toEqual({ id: 'Network hitos_default', status: 'Working', text: 'Creating' });
  });

  test('quiet writes nothing', async () => {
    expect(await shown('quiet')).toBe('');
  });
});

describe('progress on a terminal', () => {
  test('the last picture stays, and the cursor comes back', async () => {
    const text = await shown('tty');
    expect(text.endsWith('\u001b[?25h')).toBe(true);
    const last = stripVTControlCharacters(text.slice(text.lastIndexOf('[+] up')));
    expect(last).toMatch(
      /^\[\+\] up 2\/2\n ✔ Network hitos_default {2}Created {2}\d\.\ds\n ✘ Container hitos-web-1 {2}Error/,
    );
  });

  test('nothing to report leaves no trace', async () => {
    const output = stream({ columns: 80, rows: 24 });
    const progress = await createProgress('tty', { stream: output, style: plainStyle, dryRun: false, operation: 'up' });
    await progress.end();
    expect(output.text()).toBe('');
  });

  const row = (subject: string, state: ScreenRow['state'], status: string, detail = ''): ScreenRow => ({
    subject,
    state,
    status,
    detail,
    elapsedMs: 340,
  });
  const rows = [
    row('Network hitos_default', 'done', 'Created'),
    row('Container hitos-config-1', 'working', 'Starting'),
    row('Image registry.example/a/very/long/name:tag', 'working', 'Pulling', '[====>    ] 3.2MB/10MB'),
    row('Container hitos-web-1', 'failed', 'Error', 'cannot start: port 8080 is taken by sshd'),
  ];
  const draw = (columns: number, lines?: number) =>
    drawScreen('up', rows, lines === undefined ? { columns } : { columns, lines }, '⠋', plainStyle);

  test('a wide screen shows everything in columns', () => {
    expect(draw(120)).toEqual([
      '[+] up 2/4',
      ' ✔ Network hitos_default                        Created   0.3s',
      ' ⠋ Container hitos-config-1                     Starting  0.3s',
      ' ⠋ Image registry.example/a/very/long/name:tag  Pulling   0.3s  [====>    ] 3.2MB/10MB',
      ' ✘ Container hitos-web-1                        Error     0.3s  cannot start: port 8080 is taken by sshd',
    ]);
  });

  test('a narrow one drops details, then cuts names', () => {
    expect(draw(48)).toEqual([
      '[+] up 2/4',
      ' ✔ Network hitos_default          Created   0.3s',
      ' ⠋ Container hitos-config-1       Starting  0.3s',
      ' ⠋ Image registry…/long/name:tag  Pulling   0.3s',
      ' ✘ Container hitos-web-1          Error     0.3s',
    ]);
  });

  test.each([1, 5, 10, 17, 20, 25, 30, 40, 60, 80, 100, 200])('no line is wider than %i columns', (columns) => {
    for (const line of drawScreen('up', rows, { columns }, '⠋', colourStyle)) {
      expect(textWidth(line)).toBeLessThanOrEqual(Math.max(columns, 4));
    }
  });

  test('a short screen keeps failures and work under way, and counts the rest', () => {
    expect(draw(60, 4).map((line) => line.trim())).toEqual([
      '[+] up 2/4',
      expect.stringContaining('long') as string,
      expect.stringContaining('hitos-web-1') as string,
      '… and 2 more',
    ]);
  });
});

describe('the way of showing', () => {
  const terminal = stream({ columns: 80, rows: 24 });
  test('auto draws on a terminal only', () => {
    expect(progressMode('auto', terminal, { TERM: 'xterm' })).toBe('tty');
    expect(progressMode('', stream(), { TERM: 'xterm' })).toBe('plain');
    expect(progressMode('auto', terminal, { TERM: 'dumb' })).toBe('plain');
    expect(progressMode('auto', terminal, { TERM: 'xterm', CI: 'true' })).toBe('plain');
  });
  test('a name nobody knows is refused', () => {
    expect(progressMode('fancy', terminal, {})).toBeUndefined();
  });
});
