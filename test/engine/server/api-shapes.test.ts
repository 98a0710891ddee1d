import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { BusyboxRoot, EngineProcess } from './engine-process.js';

/** A dockerd whose answers have the same members, but for those below. */
const peer = process.env['TSCOMPOSE_PEER_HOST'];
const pinned = fileURLToPath(new URL('api-shapes.txt', import.meta.url));
const name = 'tscompose-shapes';
const image = `${name}:busybox`;

const paths = [
  ...['/v1.24/info', '/v1.45/info', '/v1.24/version', '/v1.45/version', '/v1.45/system/df'],
  ...['/v1.24/containers/json', '/v1.45/containers/json', `/v1.24/containers/${name}/json`],
  ...[`/v1.45/containers/${name}/json`, '/v1.24/images/json', '/v1.45/images/json'],
  ...[`/v1.24/images/${image}/json`, `/v1.44/images/${image}/json`, `/v1.45/images/${image}/json`],
  ...[`/v1.45/images/${image}/history`, '/v1.24/networks', '/v1.45/networks', '/v1.24/volumes', '/v1.45/volumes'],
];

/** Where the two are not alike: what only one of them has, or what hangs on the machine and what lies on it. */
const apart = [
  /\.Runtimes\./, // another runtime, and what dockerd found out about its own
  /\.Tscompose\b/,
  /\[\]\.Health\b/, // of API 1.52, and no secret before
  /\[\]\.(?:EnableIPv4|IPAM|Options|Containers|Labels|RepoDigests|RepoTags|Ports|Mounts)\b/,
  /^\.(?:Volumes|BuildCache|Images|Containers)\b.*(?:Labels|Options|RepoDigests|SizeRw|Ports|UsageData|Health)/,
];

async function membersOf(socketPath: string): Promise<string> {
  const lines: string[] = [];
  for (const path of paths) {
    const answer = await json(socketPath, path);
    const members = [...new Set(membersIn(answer, ''))].filter((one) => !apart.some((known) => known.test(one)));
    lines.push(path, ...members.sort().map((one) => `  ${one}`));
  }
  return `${lines.join('\n')}\n`;
}

async function prepare(socketPath: string): Promise<void> {
  const client = connectEngine({ host: `unix://${socketPath}` });
  const signal = AbortSignal.timeout(30_000);
  using root = new BusyboxRoot();
  const query = { repo: name, tag: 'busybox', changes: ['CMD ["sh"]', 'LABEL a=b'] };
  for await (const message of client.images.importTar(root.tar(), query, signal)) expect(message).toBeDefined();
  const config = { Image: image, Cmd: ['sleep', '1000'], HostConfig: { Binds: [`${name}:/v`] } };
  await client.containers.create(config, { name }, signal);
  await client.containers.start(name, signal);
  client.close();
}

async function clear(socketPath: string): Promise<void> {
  const client = connectEngine({ host: `unix://${socketPath}` });
  const signal = AbortSignal.timeout(30_000);
  await client.containers.remove(name, { force: true, volumes: true }, signal);
  await client.volumes.remove(name, {}, signal);
  await client.images.remove(image, {}, signal);
  client.close();
}

describe('ours', () => {
  const engine = new EngineProcess();
  beforeAll(async () => {
    await engine.start();
    await prepare(engine.socket);
  }, 60_000);
  afterAll(() => engine[Symbol.asyncDispose]());

  test('answers have the members that are written down, by version', async () => {
    await expect(await membersOf(engine.socket)).toMatchFileSnapshot(pinned);
  });
});

describe.skipIf(peer === undefined)('dockerd', () => {
  const socket = peer?.replace('unix://', '') ?? '';
  beforeAll(() => prepare(socket), 60_000);
  afterAll(() => clear(socket));

  test('answers have the same members', async () => {
    await expect(await membersOf(socket)).toMatchFileSnapshot(pinned);
  });
});

/** `.Images[].Id` for every member there is, of lists that of all their items. */
function membersIn(value: unknown, place: string): string[] {
  if (Array.isArray(value))
    return value.length === 0 ? [place] : value.flatMap((item) => membersIn(item, `${place}[]`));
  if (typeof value !== 'object' || value === null) return [place.replace(/\[\]$/, '')];
  const entries = Object.entries(value).map(
    ([key, member]) => [key.replaceAll(/[0-9a-f]{64}/g, 'ID'), member] as const,
  );
  return entries.length === 0 ? [place] : entries.flatMap(([key, member]) => membersIn(member, `${place}.${key}`));
}

function json(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => {
        resolve(JSON.parse(text));
      });
    }).on('error', reject);
  });
}
