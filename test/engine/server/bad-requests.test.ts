import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectEngine, type EngineClient } from '../../../src/client/index.js';
import { BusyboxRoot, EngineProcess } from './engine-process.js';

/** Another engine of which the same is asked, as `unix:///run/docker.sock`. */
const peer = process.env['TSCOMPOSE_PEER_HOST'];
const image = 'tscompose-refusals:busybox';

interface Row {
  readonly ours: number;
  readonly dockerd: number;
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const rows = readFileSync(fileURLToPath(new URL('bad-requests.txt', import.meta.url)), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line): Row & { line: string } => {
    const match = /^(\d{3})(?: dockerd (\d{3}))? +(\S+) (\S+)(?: (.*?))??(?: (\{"Content-Type":.*\}))?$/.exec(line);
    if (match === null) throw new Error(`not a row: ${line}`);
    const [, ours = '', dockerd = ours, method = '', path = '', body, headers = '{}'] = match;
    return {
      line,
      ...{ ours: Number(ours), dockerd: Number(dockerd), method, path, body },
      headers: JSON.parse(headers) as Record<string, string>,
    };
  });

describe('ours', () => {
  const engine = new EngineProcess();
  beforeAll(() => engine.start());
  afterAll(() => engine[Symbol.asyncDispose]());
  refuses(() => engine.socket, 'ours');
});

describe.skipIf(peer === undefined)('dockerd', () => {
  refuses(() => peer?.replace('unix://', '') ?? '', 'dockerd');
});

function refuses(socketOf: () => string, who: 'ours' | 'dockerd'): void {
  let client: EngineClient;
  let exec = '';
  const signal = AbortSignal.timeout(60_000);
  const names = ['refusals-running', 'refusals-paused', 'refusals-new'];

  beforeAll(async () => {
    client = connectEngine({ host: `unix://${socketOf()}` });
    using root = new BusyboxRoot();
    const query = { repo: 'tscompose-refusals', tag: 'busybox', changes: ['CMD ["sh"]'] };
    for await (const message of client.images.importTar(root.tar(), query, signal)) expect(message).toBeDefined();
    for (const name of names) {
      await client.containers.create({ Image: image, Cmd: ['sleep', '1000'] }, { name }, signal);
      if (name !== 'refusals-new') await client.containers.start(name, signal);
    }
    await client.containers.pause('refusals-paused', signal);
    await client.networks.create({ Name: 'refusals-there' }, signal);
    exec = (await client.exec.create('refusals-running', { Cmd: ['true'], AttachStdout: true }, signal)).Id;
  }, 60_000);

  afterAll(async () => {
    const all = await client.containers.list({ all: true }, signal);
    const ours = all.filter(({ Image, Names }) => Image === image || names.includes(Names[0]?.slice(1) ?? ''));
    for (const { Id } of ours) await client.containers.remove(Id, { force: true, volumes: true }, signal);
    for (const network of ['refusals-there', 'refusals-made'])
      await client.networks.remove(network, signal).catch(gone);
    for (const volume of ['refusals-made']) await client.volumes.remove(volume, {}, signal).catch(gone);
    await client.images.remove(image, {}, signal).catch(gone);
    client.close();
  }, 60_000);

  test('every bad request is answered as it deserves', async () => {
    const answers: string[] = [];
    for (const { line, method, path, body, headers } of rows) {
      const fill = (text: string) => filled(text, exec);
      const status = await send(socketOf(), { method, path: fill(path), body: body && fill(body), headers });
      answers.push(`${status} ${line.slice(line.indexOf(method))}`);
    }
    const wanted = rows.map((row) => `${row[who]} ${row.line.slice(row.line.indexOf(row.method))}`);
    expect(answers).toEqual(wanted);
  }, 60_000);
}

function filled(text: string, exec: string): string {
  return text
    .replaceAll('IMAGE', image)
    .replaceAll('EXEC', exec)
    .replace(/\b(running|paused|new|there)\b/g, 'refusals-$1')
    .replace(/"[xv]1"/g, '"refusals-made"');
}

function gone(): void {
  // Never made, by an engine that refuses to.
}

/** Resolves to the status alone; what would go on streaming is left. */
function send(
  socketPath: string,
  { method, path, body, headers }: Pick<Row, 'method' | 'path' | 'body' | 'headers'>,
): Promise<number> {
  const versioned = /^\/v[\dx]/.test(path) ? path : `/v1.45${path}`;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ socketPath, method, agent: false },
      path: versioned.replace(/[{}"[\]]/g, encodeURIComponent),
      headers: { ...type, ...length, ...headers },
    });
    sent.on('error', reject).on('response', (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    sent.end(body);
  });
}
