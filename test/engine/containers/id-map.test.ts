import { chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { IdMapRequest, MountRequest } from '../../../src/api/container.js';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { Engine, missing, soon } from './support.js';

describe.skipIf(missing !== undefined)(`a bind mount with an id map (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  let source: string;
  beforeAll(async () => {
    engine = await Engine.open();
    source = join(engine.folder, 'source');
    mkdirSync(source);
    writeFileSync(join(source, 'theirs'), 'x');
    writeFileSync(join(source, 'of-root'), 'x', { mode: 0o600 });
    writeFileSync(join(source, 'of-33'), 'x');
    for (const path of [source, join(source, 'theirs')]) chownSync(path, 1234, 2345);
    chownSync(join(source, 'of-33'), 33, 33);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    expect(engine.logLines).toEqual([]);
  });

  const mapped = (IdMap: IdMapRequest, rest: Partial<MountRequest> = {}) => ({
    HostConfig: {
      Mounts: [{ Type: 'bind' as const, Source: source, Target: '/src', BindOptions: { IdMap }, ...rest }],
    },
  });
  const ownerOf = (name: string): string => {
    const { uid, gid } = statSync(join(source, name));
    return `${uid}:${gid}`;
  };
  const ids = { User: 1234, Group: 2345 };

  test('has files of the host user that are root’s inside, and the other way round; also after a restart', async () => {
    const script = `cd /src; stat -c '%u:%g %n' theirs of-33; cat of-root; echo y >> theirs
      mkdir -p folder; touch folder/made; chown 33:33 folder`;
    const { id, output } = await engine.sh(script, mapped(ids));
    expect(output).toContain('0:0 theirs\n33:33 of-33\n');
    expect(output).toContain("can't open 'of-root': Permission denied"); // the host's root is not the container's
    expect(ownerOf('folder/made')).toBe('1234:2345');
    expect(ownerOf('folder')).toBe('33:33');
    expect(ownerOf('theirs')).toBe('1234:2345');
    const inspected = await engine.containers.inspect(id, { size: false });
    expect(inspected.HostConfig.Mounts?.[0]?.BindOptions).toEqual({ IdMap: ids });

    const long = await engine.start({ Cmd: ['sleep', '60'], ...mapped(ids) });
    await engine.reopen();
    await engine.containers.restart(long, { timeoutS: 0 }, soon());
    expect((await engine.exec(long, ['touch', '/src/by-exec'])).exitCode).toBe(0);
    expect(ownerOf('by-exec')).toBe('1234:2345');
    await engine.containers.remove(long, { force: true, volumes: true }, soon());
  });

  test('may take the owner of the source, be of one file, and be read-only', async () => {
    const { output } = await engine.sh('touch /src/by-owner && touch /ro/x; stat -c %u:%g /ro/theirs /file', {
      HostConfig: {
        Mounts: [
          ...mapped({ Owner: true }).HostConfig.Mounts,
          ...mapped({ Owner: true }, { Target: '/ro', ReadOnly: true }).HostConfig.Mounts,
          ...mapped({ Owner: true }, { Source: join(source, 'theirs'), Target: '/file' }).HostConfig.Mounts,
        ],
      },
    });
    expect(output).toContain('/ro/x: Read-only file system');
    expect(output).toContain('0:0\n0:0\n');
    expect(ownerOf('by-owner')).toBe('1234:2345');
  });

  test('is refused where the file system cannot have one, with its name', async () => {
    const folder = join(engine.folder, 'ramfs');
    mkdirSync(folder);
    mount({ source: 'ramfs', target: folder, fstype: 'ramfs' });
    try {
      const id = await engine.create({ Cmd: ['true'], ...mapped(ids, { Source: folder }) });
      await expect(engine.containers.start(id, soon())).rejects.toMatchObject({
        code: 'container/id-map-refused',
        message: `cannot map ids of ${folder} at /src: the kernel does not do it for the file system ramfs`,
      });
      const same = await engine.run({ Cmd: ['true'], ...mapped({ Owner: true }, { Source: folder }) });
      expect(same.exitCode).toBe(0); // root's own folder needs no map
    } finally {
      unmount(folder, { detach: true });
    }
  });

  test.each<IdMapRequest>([
    { User: 1 },
    { User: -1, Group: 0 },
    { User: 0, Group: 2 ** 32 - 1 },
    { ...ids, Owner: true },
  ])('is refused as %j', async (idMap) => {
    await expect(engine.create(mapped(idMap))).rejects.toMatchObject({ code: 'container/invalid-config' });
  });
});
