import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine, type EngineClient } from '../../../src/client/index.js';
import { engineMissing } from '../../support/engine-sandbox.js';
import { EngineProcess } from '../server/engine-process.js';
import { entries } from './entries/index.js';
import { nameOf } from './entry.js';
import { giveImage } from './image.js';
import { image, Run } from './run.js';
import { conformancePage, type Result, renderTable } from './table.js';

/** Held against our engine, and against the dockerd at TSCOMPOSE_PEER_HOST if given. */
const peerHost = process.env['TSCOMPOSE_PEER_HOST'];
const write = process.env['TSCOMPOSE_WRITE_CONFORMANCE'] === '1';
const missing = engineMissing();
const results = new Map<string, Result>();

const engines = ['embedded' as const, ...(peerHost === undefined ? [] : ['dockerd' as const])];

describe.skipIf(missing !== undefined).each(engines)(
  `in a container of %s (needs ${missing ?? 'nothing more'})`,
  (which) => {
    const ours = which === 'dockerd' ? undefined : new EngineProcess();
    let client: EngineClient;
    beforeAll(async () => {
      await ours?.start();
      client = ours?.client ?? connectEngine({ host: peerHost ?? '' });
      await giveImage(client);
    });
    afterAll(async () => {
      if (ours === undefined) await client.images.remove(image, { force: true }, AbortSignal.timeout(60_000));
      await ours?.[Symbol.asyncDispose]();
      removeCgroups('tscconf-parent');
    });

    for (const entry of entries) {
      const lacking = entry.missing?.();
      const differs = which === 'dockerd' ? entry.peer : undefined;
      test.skipIf(lacking !== undefined)(
        nameOf(entry) + (lacking === undefined ? '' : ` (needs ${lacking})`),
        async () => {
          const key = `${which} ${nameOf(entry)}`;
          results.set(key, 'fails');
          await using run = new Run(client, entry);
          const expected = differs?.expected ?? entry.expected;
          const result = await run.result();
          if (typeof expected === 'string') expect(result).toBe(expected);
          else expect(result).toMatch(expected);
          results.set(key, differs === undefined ? 'holds' : 'differs');
        },
      );
    }
  },
);

/** Neither engine removes a parent group that it made. */
function removeCgroups(name: string): void {
  const folders = readdirSync('/sys/fs/cgroup').map((entry) => join('/sys/fs/cgroup', entry));
  for (const folder of ['/sys/fs/cgroup', ...folders]) {
    if (existsSync(join(folder, name))) rmdirSync(join(folder, name));
  }
}

afterAll(() => {
  if (!write) return;
  if (peerHost === undefined) throw new Error('the table is written with both engines: set TSCOMPOSE_PEER_HOST');
  mkdirSync(dirname(conformancePage), { recursive: true });
  writeFileSync(
    conformancePage,
    renderTable(entries, (engine, entry) => results.get(`${engine} ${nameOf(entry)}`)),
  );
});
