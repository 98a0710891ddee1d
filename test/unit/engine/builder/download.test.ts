import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { download } from '../../../../src/engine/builder/context/download.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsc-download-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signal = AbortSignal.timeout(30_000);

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a user and a password in the URL are sent, and told to nobody else', async () => {
  const host = await serve(({ headers, url }, response) => {
    response.writeHead(url === '/gone' ? 404 : 200).end(headers.authorization);
  });
  const path = join(folder, 'with-password');
  await download(`http://me:s%40cret@${host}/f`, path, signal);
  expect(readFileSync(path, 'utf8')).toBe(`Basic ${Buffer.from('me:s@cret').toString('base64')}`);
  const error: unknown = await download(`http://me:s%40cret@${host}/gone`, path, signal).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'build/download-failed', facts: { url: `http://${host}/gone`, status: 404 } });
  expect(String(error)).not.toMatch(/cret/);
  const broken = await download('http://me:s%40cret@[/f', path, signal).catch((e: unknown) => e);
  expect(broken).toMatchObject({ code: 'build/download-failed' });
  expect(JSON.stringify([String(broken), broken])).not.toMatch(/cret/);
});

test('a server may take its time as long as something comes, and is given up when nothing does', async () => {
  const host = await serve((request, response) => {
    response.write('x');
    let left = request.url === '/stalls' ? 0 : 12;
    if (left === 0) return;
    const timer = setInterval(() => {
      response.write('x');
      if (--left > 0) return;
      clearInterval(timer);
      response.end();
    }, 100);
  });
  const path = join(folder, 'slow');
  await download(`http://${host}/drips`, path, signal, { silenceMs: 1_000 });
  expect(readFileSync(path, 'utf8')).toBe('x'.repeat(13));
  await expect(download(`http://${host}/stalls`, path, signal, { silenceMs: 100 })).rejects.toMatchObject({
    code: 'build/download-failed',
    message: `cannot download http://${host}/stalls: nothing came for 0.1 seconds`,
  });
});
