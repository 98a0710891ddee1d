import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import { openContentStore } from '../../../src/engine/content/index.js';
import { type Image, openImageStore } from '../../../src/engine/images/index.js';
import { hostPlatform, platformText } from '../../../src/registry/index.js';
import { RegistryServer } from '../../support/registry-server.js';
import { type FileSpec, BuildLab, busyboxFiles, missing, writeTree } from './lab.js';

const signal = AbortSignal.timeout(120_000);
const own = platformText(hostPlatform());
const other = own === 'linux/arm64' ? 'linux/s390x' : 'linux/arm64';
const platforms = [own, other];
const quiet = { onProgress: () => undefined, signal };

/** An image of a platform that nobody has to be able to run. */
async function variant(lab: BuildLab, platform: string, files: Record<string, FileSpec>): Promise<Image> {
  const [os = '', architecture = ''] = platform.split('/');
  const upperDir = await lab.layers.scratch();
  writeTree(upperDir, files);
  const { chainId } = await lab.layers.commitDirectory({ upperDir, ownership: 'take', signal });
  return await lab.images.create({ config: { architecture, os, config: {} }, chainId });
}

/** A program for a processor that this kernel does not run: Linux' own name of the machine is one that nobody made. */
function foreignBusybox(): string {
  const bytes = Buffer.from(readFileSync('/bin/busybox'));
  bytes.writeUInt16LE(0x1234, 18); // e_machine (elf(5))
  return bytes.toString('latin1');
}

describe.skipIf(missing !== undefined)(`builds for several platforms (needs ${missing ?? 'nothing more'})`, () => {
  const registry = new RegistryServer();
  let here: BuildLab;
  let there: BuildLab;
  beforeAll(async () => {
    await registry.listen();
    here = await BuildLab.open();
    there = await BuildLab.open();
    const mine = await variant(here, own, busyboxFiles());
    const foreign = await variant(here, other, {
      ...busyboxFiles(),
      'bin/busybox': { content: foreignBusybox(), mode: 0o755 },
      'etc/variant': 'other\n',
    });
    await here.images.createList({ members: [{ image: foreign.id }, { image: mine.id }], tags: ['base'] });
  });
  afterAll(async () => {
    await registry.close();
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
  });

  const cross = [
    'FROM --platform=$BUILDPLATFORM base AS build',
    'RUN echo ran >> /count; date +%s%N > /stamp',
    'ARG TARGETPLATFORM TARGETARCH',
    'RUN echo "$TARGETPLATFORM $TARGETARCH" > /target',
    'FROM base',
    'COPY --from=build /target /stamp /',
    'ENV A=1',
  ];
  const read = async (image: Image, path: string): Promise<string | undefined> =>
    (await here.tree(image, '/')).find((line) => line.includes(` ${path} `))?.replace(/^.*? "/, '"');

  test('each has its own base and arguments, and what runs on this machine runs once', async () => {
    const { text } = await here.dockerfile(cross, { platforms, tags: ['app:1', 'app:2'] });
    expect(text.match(/Removed intermediate container/g)).toHaveLength(3); // one stamp, a target each
    const list = here.images.listOf('app:2');
    expect(list?.members.map(({ image }) => platformText(image.config)).toSorted()).toEqual(platforms.toSorted());
    expect(here.images.listOf('app:1')).toEqual(list);
    const mine = here.images.resolve('app:1');
    const foreign = here.images.resolve('app:1', { os: 'linux', architecture: other.slice('linux/'.length) });
    expect([mine, foreign].map(({ config }) => platformText(config))).toEqual(platforms);
    expect(await read(mine, 'target')).toBe(`"${own} ${own.slice('linux/'.length)}\\n"`);
    expect(await read(foreign, 'target')).toBe(`"${other} ${other.slice('linux/'.length)}\\n"`);
    expect(await read(foreign, 'etc/variant')).toBe('"other\\n"');
    expect(await read(mine, 'stamp')).toBe(await read(foreign, 'stamp'));
  });

  test('a name has one row, its digest an image, and goes with all its platforms', async () => {
    await here.dockerfile(['FROM base', 'LABEL gone=soon'], { platforms, tags: ['gone:1'] });
    const list = here.images.listOf('gone:1');
    const rows = here.images.summaries({ filters: { reference: ['gone'] } });
    expect(rows.map(({ Id, RepoTags }) => [Id, RepoTags])).toEqual([[here.images.resolve('gone:1').id, ['gone:1']]]);
    expect(here.images.resolve(list?.id ?? '').id).toBe(here.images.resolve('gone:1').id);
    await here.images.tag('gone:1', 'kept:1');
    expect(here.images.listOf('kept:1')?.id).toBe(list?.id);
    await here.images.remove('gone:1', { usedBy: () => [] });
    expect(here.images.listOf('kept:1')?.members).toHaveLength(2);
    const removed = await here.images.remove('kept:1', { usedBy: () => [] });
    expect(removed.flatMap(({ Deleted }) => Deleted ?? [])).toEqual(
      expect.arrayContaining(list?.members.map(({ image }) => image.id) ?? []),
    );
    expect(here.images.find(list?.members[0]?.image.id ?? '')).toBeUndefined();
    expect(here.images.find(list?.members[1]?.image.id ?? '')).toBeUndefined();
  });

  test('an archive and a registry carry all of them, and the same index comes back', async () => {
    await here.dockerfile(cross, { platforms, tags: ['app:1'] });
    const list = here.images.listOf('app:1');
    await there.images.load(here.images.save(['app:1'], { signal }), quiet);
    expect(there.images.listOf('app:1')?.id).toBe(list?.id);

    const name = `${registry.host}/multi/app:1`;
    await here.images.tag('app:1', name);
    await here.images.push(name, quiet);
    const index = JSON.parse(registry.manifests.get('multi/app')?.get('1')?.bytes.toString() ?? '') as {
      mediaType: string;
      manifests: { platform: { os: string; architecture: string } }[];
    };
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json');
    expect(index.manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`).toSorted()).toEqual(
      platforms.toSorted(),
    );
    await there.images.remove('app:1', { usedBy: () => [] });
    const [os = '', architecture = ''] = other.split('/');
    await there.images.pull(name, quiet);
    expect(there.images.listOf(name)).toBeUndefined();
    await there.images.pull(name, { ...quiet, platform: { os, architecture } });
    expect(there.images.listOf(name)?.members).toHaveLength(2);
    expect(there.images.listOf(name)?.id).toBe(list?.id);
    expect(platformText(there.images.resolve(name).config)).toBe(own);
    await there.images.remove(name, { usedBy: () => [] });
    expect(there.images.list().map(({ tags }) => tags)).toEqual([['busybox:latest']]);
  });

  test('a prune takes nothing of them, and a store opened anew has them', async () => {
    await here.dockerfile(['FROM scratch', 'COPY Dockerfile /'], { platforms, tags: ['plain:1'] });
    const before = here.images.listOf('plain:1');
    await here.images.prune({ usedBy: () => [] });
    expect(before?.members).toHaveLength(2);
    expect(here.images.listOf('plain:1')).toEqual(before);
    expect((await here.images.verify(signal)).problems).toEqual([]);
    const again = await openImageStore({
      content: await openContentStore(join(here.folder, 'content')),
      layers: here.layers,
      dir: join(here.folder, 'images'),
      events: { publish: () => undefined },
    });
    expect(again.listOf('plain:1')).toEqual(before);
  });

  test('a command for another processor fails with what is missing on this machine', async () => {
    const failure = await here
      .dockerfile(['FROM base', 'RUN echo never'], { platforms: [other] })
      .catch((error: unknown) => error);
    expect(hasCode(failure, 'build/no-emulation') && [failure.message, failure.hint, failure.at?.line]).toEqual([
      `cannot run a command for ${other}: this machine's kernel has no emulator for it`,
      'install qemu-user-static and binfmt-support, or build that stage FROM --platform=$BUILDPLATFORM',
      2,
    ]);
  });

  test('a platform that is none is told before anything is built', async () => {
    const failure = await here.dockerfile(['FROM base'], { platforms: ['linux/arm64', 'lin ux/arm'] }).catch(String);
    expect(failure).toContain('"lin ux/arm" is an invalid platform specification');
  });
});
