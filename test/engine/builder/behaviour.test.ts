import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine, type EngineClient } from '../../../src/client/index.js';
import { engineMissing } from '../../support/engine-sandbox.js';
import { EngineProcess } from '../server/engine-process.js';
import { type Behaviour, behaviours } from './behaviours.js';
import { busyboxFiles, writeTree } from './lab.js';
import { buildKitMissing, peerMissing } from './peer.js';

const run = promisify(execFile);
const soon = () => AbortSignal.timeout(60_000);
const missing = engineMissing();
const base = `tscompose-behaviour-base:${process.pid}`;

/** The engine and its builder that an image is made by. */
const makers = [
  { name: 'the embedded engine', lacks: missing },
  { name: 'the classic builder of dockerd', lacks: peerMissing },
  { name: 'the BuildKit of dockerd', lacks: buildKitMissing },
] as const;

describe.each(makers)('what an image does that was built by $name', ({ name, lacks }) => {
  describe.skipIf(lacks !== undefined)(`(needs ${lacks ?? 'nothing more'})`, () => {
    const ours = name === 'the embedded engine' ? new EngineProcess() : undefined;
    const folder = mkdtempSync(join(tmpdir(), 'tsc-behaviour-'));
    const made: string[] = [];
    let count = 0;
    let client: EngineClient;

    beforeAll(async () => {
      await ours?.start();
      client = ours?.client ?? connectEngine({ host: process.env['DOCKER_HOST'] ?? '' });
      const root = join(folder, 'root');
      mkdirSync(root);
      writeTree(root, busyboxFiles());
      chmodSync(root, 0o755);
      execFileSync('tar', ['-C', root, '--owner=0', '--group=0', '-cf', `${root}.tar`, '.']);
      const [repo = '', tag = ''] = base.split(':');
      for await (const { error } of client.images.importTar(createReadStream(`${root}.tar`), { repo, tag }, soon())) {
        expect(error).toBeUndefined();
      }
    });
    afterAll(async () => {
      for (const image of [...made.reverse(), base]) await client.images.remove(image, { force: true }, soon());
      if (ours === undefined) client.close();
      await ours?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });

    async function build(one: Behaviour): Promise<string> {
      count += 1;
      const context = join(folder, `context-${count}`);
      const text = one.dockerfile.join('\n').replaceAll(/(FROM |--from=)busybox/g, `$1${base}`);
      writeTree(context, { ...one.files, Dockerfile: `${text}\n` });
      const tag = `tscompose-behaviour-${process.pid}:${count}`;
      if (name === 'the BuildKit of dockerd') {
        const args = Object.entries(one.args ?? {}).flatMap(([key, value]) => ['--build-arg', `${key}=${value ?? ''}`]);
        const target = one.target === undefined ? [] : ['--target', one.target];
        const env = { ...process.env, DOCKER_BUILDKIT: '1' };
        await run('docker', ['build', '-q', '--network=none', '-t', tag, ...args, ...target, context], { env });
        made.push(tag);
        return tag;
      }
      execFileSync('tar', ['-C', context, '-cf', `${context}.tar`, '.']);
      const query = {
        tags: [tag],
        args: one.args ?? {},
        networkMode: 'none',
        ...(one.target === undefined ? {} : { target: one.target }),
      };
      const tar = { kind: 'tar', stream: createReadStream(`${context}.tar`) } as const;
      for await (const { error } of client.images.build(tar, query, soon())) expect(error).toBeUndefined();
      made.push(tag);
      return tag;
    }

    async function outputOf(id: string, until?: string): Promise<string> {
      let text = '';
      for await (const { payload } of client.containers.logs(id, { follow: true }, soon())) {
        text += payload.toString();
        if (until !== undefined && text.includes(until)) break;
      }
      return text;
    }

    const comparable = behaviours.filter(
      ({ notOnClassic, notOnBuildKit }) =>
        ours !== undefined || (name.includes('classic') ? notOnClassic : notOnBuildKit) === undefined,
    );
    test.each(comparable)('$name', async (one) => {
      const image = await build(one);
      const command = one.command === undefined ? {} : { Cmd: [...one.command] };
      const request = { Image: image, ...command, HostConfig: { NetworkMode: 'none' } };
      const { Id } = await client.containers.create(request, {}, soon());
      try {
        await client.containers.start(Id, soon());
        if (one.stopped === true) {
          await outputOf(Id, 'ready');
          await client.containers.stop(Id, { timeoutS: 10 }, soon());
        }
        const { StatusCode } = await client.containers.wait(Id, {}, soon());
        const output = (await outputOf(Id)).trimEnd();
        expect({ output, exitCode: StatusCode }).toEqual({ output: one.output, exitCode: one.exitCode });
      } finally {
        await client.containers.remove(Id, { force: true, volumes: true }, soon());
      }
    });
  });
});
