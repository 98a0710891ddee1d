import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tarOf } from '../snapshots/archives.js';
import { imported, openStores, type Stores } from './stores.js';

/** Round trips with a real Docker Engine: `TSCOMPOSE_PEER_HOST=unix:///…`, with its `docker` on the path. */
const peer = process.env['TSCOMPOSE_PEER_HOST'];
const signal = new AbortController().signal;
const options = { onProgress: () => undefined, signal };
const rootfs = tarOf(
  { path: 'bin/', mode: 0o755 },
  { path: 'bin/tool', content: 'tool', mode: 0o4755, uid: 5, gid: 6 },
  { path: 'bin/same', type: 'hardlink', linkPath: 'bin/tool' },
  { path: 'alias', linkPath: 'bin/tool' },
  { path: `${'deep/'.repeat(40)}file`, content: 'x' },
);

describe.skipIf(peer === undefined)('beside a real Docker Engine', () => {
  let stores: Stores;
  let dir: string;
  const docker = (...args: readonly string[]) =>
    execFileSync('docker', ['-H', peer ?? '', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

  beforeEach(async () => {
    stores = await openStores();
    dir = await mkdtemp(join(tmpdir(), 'peer-'));
    await writeFile(join(dir, 'rootfs.tar'), rootfs);
  });
  afterEach(async () => {
    docker('rmi', '-f', 'tsc-peer/app:1', 'tsc-peer/app:2');
    await stores.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  test('what it saves we load, with the same id, config and size', async () => {
    docker('import', '-c', 'CMD ["/bin/tool"]', '-c', 'ENV A=b', join(dir, 'rootfs.tar'), 'tsc-peer/app:1');
    docker('tag', 'tsc-peer/app:1', 'tsc-peer/app:2');
    docker('save', '-o', join(dir, 'saved.tar'), 'tsc-peer/app:1', 'tsc-peer/app:2');
    await stores.images.load(createReadStream(join(dir, 'saved.tar')), options);
    const ours = stores.images.inspectJson(stores.images.resolve('tsc-peer/app:2'));
    const [theirs] = JSON.parse(docker('image', 'inspect', 'tsc-peer/app:1')) as Record<string, unknown>[];
    for (const member of [
      'Id',
      'RepoTags',
      'RepoDigests',
      'Parent',
      'Comment',
      'Created',
      'DockerVersion',
      'Author',
      'Config',
      'Architecture',
      'Os',
      'Size',
      'RootFS',
    ]) {
      expect({ [member]: ours[member as keyof typeof ours] }).toEqual({ [member]: theirs?.[member] });
    }
  });

  test('what we save it loads, and saves again with the same layers', async () => {
    const image = await imported(
      stores,
      'tsc-peer/app:1',
      { path: 'f', content: 'hello' },
      { path: 'g', linkPath: 'f' },
    );
    await pipeline(stores.images.save(['tsc-peer/app:1'], { signal }), createWriteStream(join(dir, 'ours.tar')));
    expect(docker('load', '-i', join(dir, 'ours.tar'))).toBe('Loaded image: tsc-peer/app:1');
    expect(docker('image', 'inspect', '-f', '{{.Id}}', 'tsc-peer/app:1')).toBe(image.id);
    docker('save', '-o', join(dir, 'again.tar'), 'tsc-peer/app:1');
    await stores.images.remove('tsc-peer/app:1', { usedBy: () => [] });
    const [again] = await stores.images.load(createReadStream(join(dir, 'again.tar')), options);
    expect(again?.id).toBe(image.id);
  });

  test('both make the same layer of the same root file system', async () => {
    docker('import', join(dir, 'rootfs.tar'), 'tsc-peer/app:1');
    const ours = await stores.images.importTar(createReadStream(join(dir, 'rootfs.tar')), { signal });
    const layers = docker('image', 'inspect', '-f', '{{json .RootFS.Layers}}', 'tsc-peer/app:1');
    expect(ours.config.rootfs.diff_ids).toEqual(JSON.parse(layers));
  });
});
