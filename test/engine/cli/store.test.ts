import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';

const missing = engineMissing();
const longMs = 120_000;
const soon = () => AbortSignal.timeout(longMs);

/** Bytes on the disk below the data root, without what is mounted there. */
function diskBytes({ folder }: EngineSandbox): number {
  execFileSync('sync', ['-f', folder]); // ext4 gives small files their blocks late
  const text = execFileSync('du', ['-s', '-x', '--block-size=1', join(folder, 'data')], { encoding: 'utf8' });
  return Number(text.split('\t')[0]);
}

function post({ folder }: EngineSandbox, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socketPath = join(folder, 'run/engine.sock');
    request({ socketPath, method: 'POST', path }, (response) => response.resume().once('end', resolve))
      .once('error', reject)
      .end();
  });
}

describe.skipIf(missing !== undefined)('the store', () => {
  test('engine verify reads everything, and names what is damaged', async () => {
    await using sandbox = await new EngineSandbox().withBusybox();
    expect(await sandbox.ok(['engine', 'verify'])).toMatch(/^1 images, 1 layers and 1 configs, \d+ MB: all whole\n$/);
    const layers = join(sandbox.folder, 'data/layers/layers');
    const [layer = ''] = readdirSync(layers);
    appendFileSync(join(layers, layer, 'diff/bin/busybox'), 'x');
    const configs = join(sandbox.folder, 'data/content/sha256');
    for (const name of readdirSync(configs)) rmSync(join(configs, name));
    const { exitCode, stdout } = await sandbox.run(['engine', 'verify', '--format', 'json']);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      blobs: 0,
      layers: 0,
      problems: [
        { what: 'layer', reason: expect.stringContaining('digest') as string },
        { what: 'image', names: ['busybox:latest'], reason: 'its config is missing' },
      ],
    });
  });

  test(
    'fifty containers of one image add less than 1 MB each, and pruning gives all disk back',
    async () => {
      await using sandbox = new EngineSandbox();
      await sandbox.ok(['engine', 'start']);
      const client = connectEngine({ host: `unix://${join(sandbox.folder, 'run/engine.sock')}` });
      try {
        const empty = diskBytes(sandbox);
        await sandbox.withBusybox();
        const cwd = sandbox.project('fifty', {
          'compose.yaml': [
            'services:',
            '  app:',
            '    build: .',
            '    command: sleep 1000',
            '    network_mode: none',
            '    stop_grace_period: 0s',
          ].join('\n'),
          Dockerfile: 'FROM busybox\nRUN dd if=/dev/urandom of=/big bs=1M count=20 2>/dev/null\nCOPY file /file\n',
          file: 'content',
        });
        await sandbox.ok(['build'], { cwd });
        const before = diskBytes(sandbox);
        await sandbox.ok(['up', '-d', '--scale', 'app=50'], { cwd });
        const each = (diskBytes(sandbox) - before) / 50;
        expect(each).toBeLessThan(1_000_000);
        expect(each).toBeGreaterThan(1_000); // they are there

        await sandbox.ok(['down', '-v', '-t', '0'], { cwd });
        await client.images.prune({ filters: { dangling: ['false'] } }, soon());
        await post(sandbox, '/build/prune?all=1');
        const left = diskBytes(sandbox) - empty;
        // A directory of ext4 that has grown stays so; no file's content is left.
        expect(left).toBeLessThan(128 * 1024);
        expect(await sandbox.ok(['engine', 'verify'])).toBe('0 images, 0 layers and 0 configs, 0 MB: all whole\n');
        console.log(
          `a container adds ${Math.round(each / 1_024)} KiB; ${left / 1_024} KiB more than at first after pruning`,
        );
      } finally {
        client.close();
      }
    },
    longMs,
  );
});
