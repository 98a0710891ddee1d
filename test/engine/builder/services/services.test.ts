import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, eventually } from '../../../support/engine-sandbox.js';
import { EngineProcess } from '../../server/engine-process.js';
import { copyProgram } from '../host-program.js';
import { busyboxFiles, writeTree } from '../lab.js';
import { debianBases, debianRoot } from './debian-root.js';
import { smallStories } from './small-stories.js';
import type { ServiceStory } from './story.js';
import { toolchainStories } from './toolchain-stories.js';

const missing = engineMissing();
/** Where `scripts/fetch-toolchains.sh` has put Debian packages. */
const toolchains = process.env['TSCOMPOSE_TOOLCHAINS'];
const soon = (ms = 60_000) => AbortSignal.timeout(ms);

describe.skipIf(missing !== undefined)(
  `images of real life, built and run (needs ${missing ?? 'nothing more'})`,
  () => {
    const engine = new EngineProcess();
    const folder = mkdtempSync(join(tmpdir(), 'tsc-services-'));
    const imported = new Set<string>();
    beforeAll(async () => {
      await engine.start();
    });
    afterAll(async () => {
      await engine[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    async function base(name: string): Promise<void> {
      if (imported.has(name)) return;
      imported.add(name);
      const root = join(folder, `base-${name}`);
      mkdirSync(root, { mode: 0o755 });
      chmodSync(root, 0o755);
      if (debianBases.includes(name)) debianRoot(root, join(toolchains ?? '', name));
      else writeTree(root, busyboxFiles());
      if (name === 'node') giveNode(root);
      mkdirSync(join(root, 'tmp'), { recursive: true });
      chmodSync(join(root, 'tmp'), 0o1777);
      execFileSync('tar', ['-C', root, '--numeric-owner', '-cf', `${root}.tar`, '.']);
      const import_ = engine.client.images.importTar(
        createReadStream(`${root}.tar`),
        { repo: name, tag: 'latest' },
        soon(),
      );
      for await (const { error } of import_) expect(error).toBeUndefined();
      rmSync(root, { recursive: true });
      rmSync(`${root}.tar`);
    }

    async function build({ name, files, target, args }: ServiceStory): Promise<string> {
      const context = join(folder, name.replace(/\W+/g, '-').slice(0, 50));
      if (!existsSync(context)) writeTree(context, files);
      const tag = `story-${imported.size}-${Date.now()}`;
      const query = { tags: [tag], args: args ?? {}, networkMode: 'none', ...(target === undefined ? {} : { target }) };
      const from = { kind: 'directory', path: context } as const;
      for await (const { error } of engine.client.images.build(from, query, soon(600_000)))
        expect(error).toBeUndefined();
      return tag;
    }

    async function text(id: string): Promise<string> {
      let all = '';
      for await (const { payload } of engine.client.containers.logs(id, {}, soon())) all += payload.toString();
      return all;
    }

    async function answerOf(id: string, command: readonly string[]): Promise<string> {
      const { Id } = await engine.client.exec.create(id, { Cmd: [...command], AttachStdout: true }, soon());
      const { output, input } = await engine.client.exec.start(Id, {}, soon());
      input.end();
      let all = '';
      for await (const { payload } of output) all += payload.toString();
      return all;
    }

    async function serves(story: ServiceStory): Promise<void> {
      for (const name of ['busybox', ...story.bases]) await base(name);
      const image = await build(story);
      const { containers } = engine.client;
      const { Id } = await containers.create({ Image: image, Env: [...(story.env ?? [])] }, {}, soon());
      await containers.start(Id, soon());
      try {
        const { expects } = story;
        if ('output' in expects) {
          const { StatusCode } = await containers.wait(Id, {}, soon());
          expect({ output: await text(Id), StatusCode }).toEqual({ output: expects.output, StatusCode: 0 });
          return;
        }
        const { NetworkSettings } = await containers.inspect(Id, soon());
        const address = NetworkSettings.Networks['bridge']?.IPAddress ?? '';
        const ask = async (): Promise<string> =>
          'command' in expects
            ? await answerOf(Id, expects.command)
            : await (await fetch(`http://${address}:${expects.port}${expects.path}`, { signal: soon(5_000) })).text();
        let seen = '';
        await eventually(`the answer ${expects.answer}`, async () => {
          seen = await ask().catch(String);
          return seen === expects.answer;
        }).catch((error: unknown) => {
          throw new Error(`the last answer was ${seen}`, { cause: error });
        });
      } catch (error) {
        throw new Error(`it wrote: ${await text(Id)}`, { cause: error });
      } finally {
        await containers.remove(Id, { force: true, volumes: true }, soon());
      }
    }

    test.each(smallStories)('$name', serves);

    describe.skipIf(toolchains === undefined)(
      'with toolchains of Debian (needs a folder in TSCOMPOSE_TOOLCHAINS)',
      () => {
        test.each(toolchainStories)('$name', serves, 900_000);
      },
    );
  },
);

/** The node and npm of this machine. */
function giveNode(root: string): void {
  copyProgram(process.execPath, root, '/usr/local/bin/node');
  chmodSync(join(root, 'usr/local/bin/node'), 0o755);
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  symlinkSync('/bin/env', join(root, 'usr/bin/env'));
  const npm = [join(dirname(realpathSync(process.execPath)), '../lib/node_modules/npm'), '/usr/share/nodejs/npm'].find(
    (path) => existsSync(path),
  );
  if (npm === undefined) throw new Error('this machine has no npm beside its node');
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), {
    recursive: true,
    filter: (path) => !/\/npm\/(docs|man|html)(\/|$)/.test(path),
  });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
}
