import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import { RegistryServer } from '../../support/registry-server.js';
import { BuildLab, missing } from './lab.js';

const signal = AbortSignal.timeout(120_000);

describe.skipIf(missing !== undefined)(`steps for other machines (needs ${missing ?? 'nothing more'})`, () => {
  const registry = new RegistryServer();
  let here: BuildLab;
  let there: BuildLab;
  let context: string;
  beforeAll(async () => {
    await registry.listen();
    here = await BuildLab.open();
    there = await BuildLab.open();
    await there.images.load(here.images.save(['busybox'], { signal }), { onProgress: () => undefined, signal });
  });
  afterAll(async () => {
    await registry.close();
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
  });

  /** A build of two stages whose steps are told apart by `mark`. */
  const files = (mark: string) => ({
    Dockerfile: [
      'FROM busybox AS build',
      'COPY src /src',
      `RUN echo built ${mark} > /out`,
      'FROM busybox',
      `RUN echo first ${mark} > /first`,
      'COPY --from=build /out /o/out',
      'ENV A=1',
      '',
    ].join('\n'),
    'src/a': 'a',
  });
  const twoContexts = (mark: string): [string, string] => [
    here.context(mark, files(mark)),
    there.context(`copy-of-${mark}`, files(mark)),
  ];
  const runs = (text: string): number => text.match(/ ---> Running in/g)?.length ?? 0;
  const untagged = (lab: BuildLab): number => lab.images.list().filter(({ tags }) => tags.length === 0).length;

  test('type=local with mode=max: nothing runs again elsewhere, and the image is the same', async () => {
    const [first, second] = twoContexts('local');
    const folder = join(here.folder, 'exported');
    const before = untagged(there);
    const made = await here.build(first, { cacheTo: [`type=local,dest=${folder},mode=max`], tags: ['made'] });
    expect(runs(made.text)).toBe(2);
    expect(untagged(here)).toBe(0);
    const again = await there.build(second, { cacheFrom: [`type=local,src=${folder}`], tags: ['made'] });
    expect(runs(again.text)).toBe(0);
    expect(again.image.id).toBe(made.image.id);
    expect(await there.tree(again.image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 out "built local\\n"']);
    expect(untagged(there)).toBe(before);
    rmSync(folder, { recursive: true });
  });

  test('type=registry: only what is in the image, with mode=max all stages; no name is left behind', async () => {
    const [first, second] = twoContexts('registry');
    const name = `${registry.host}/caches/app:main`;
    await here.build(first, { cacheTo: [`type=registry,ref=${name}`] });
    expect(here.images.find(name)).toBeUndefined();
    const partly = await there.build(second, { cacheFrom: [`type=registry,ref=${name}`] });
    expect(runs(partly.text)).toBe(1); // the stage that is copied from
    expect(there.images.find(name)).toBeUndefined();

    const [third, fourth] = twoContexts('registry-max');
    await here.build(third, { cacheTo: [`type=registry,ref=${name},mode=max`] });
    const whole = await there.build(fourth, { cacheFrom: [name] });
    expect(runs(whole.text)).toBe(0);
  });

  test('a tag of the user keeps what it means while its registry gives the cache, and nothing else stays', async () => {
    const [first, second] = twoContexts('own-tag');
    const name = `${registry.host}/own:latest`;
    await here.build(first, { cacheTo: ['type=inline', `type=registry,ref=${name}-cache`], tags: [name] });
    await here.images.push(name, { onProgress: () => undefined, signal });
    const tags = here.images.resolve(name).tags;
    await here.images.tag('busybox', `${name}-cache`);
    await here.build(first, { cacheTo: [`type=registry,ref=${name}-cache`] });
    expect(here.images.resolve(`${name}-cache`).id).toBe(here.images.resolve('busybox').id);
    expect(here.images.resolve(name).tags).toEqual(tags);

    await there.images.tag('busybox', name);
    const before = untagged(there);
    const own = there.images.resolve('busybox');
    const seen = new Set<string>();
    await there.build(second, {
      cacheFrom: [name],
      onProgress: () => seen.add(there.images.resolve(name).id),
    });
    expect([...seen]).toEqual([own.id]);
    expect(there.images.resolve(name).id).toBe(own.id);
    expect(untagged(there) - before).toBeLessThanOrEqual(1); // what was built
  });

  test('type=inline: the image brings its steps with it', async () => {
    const [first, second] = twoContexts('inline');
    const name = `${registry.host}/app:1`;
    await here.build(first, { cacheTo: ['type=inline'], tags: [name] });
    await here.images.push(name, { onProgress: () => undefined, signal });
    const again = await there.build(second, { cacheFrom: [name] });
    expect(runs(again.text)).toBe(1);
    expect(again.text).toContain('Using cache');
  });

  test('a cache that cannot be read is told, and the build goes on', async () => {
    context = there.context('unreadable', files('unreadable'));
    const { text } = await there.build(context, {
      cacheFrom: [`${registry.host}/none:1`, 'type=local,src=/none', 'type=gha,scope=x'],
      cacheTo: ['type=s3,bucket=b', `type=registry,ref=127.0.0.1:1/none:1,ignore-error=true`],
    });
    expect(text.match(/^\[Warning\] .*/gm)).toEqual([
      expect.stringContaining(`cannot import the build cache from ${registry.host}/none:1`),
      expect.stringContaining('cannot import the build cache from /none'),
      expect.stringContaining('cache_from type=gha is not known here'),
      expect.stringContaining('cache_to type=s3 is not known here'),
      expect.stringContaining('cannot export the build cache'),
    ]);
    expect(runs(text)).toBe(2);
  });

  test('an entry that lacks its place is refused before any work', async () => {
    const error: unknown = await there.build(context, { cacheTo: ['type=local'] }).catch((reason: unknown) => reason);
    expect(hasCode(error, 'build/bad-cache') && error.message).toContain('lacks dest=');
    expect(existsSync(join(there.folder, 'none'))).toBe(false);
  });
});
