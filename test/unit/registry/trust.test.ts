import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer as createProxy } from 'node:http';
import { createServer, type Server } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHttpClient, discard } from '../../../src/registry/http.js';
import { openRegistries } from '../../../src/registry/index.js';
import { folderPerTest } from '../../support/test-folder.js';

const certificates = fileURLToPath(new URL('certificates', import.meta.url));
const read = (name: string) => readFileSync(join(certificates, name));
const signal = new AbortController().signal;
let certsDir: string;
let server: Server;
folderPerTest((path) => (certsDir = path));
beforeEach(async () => {
  const needed = { requestCert: true, rejectUnauthorized: false, ca: read('authority.crt') };
  server = createServer({ cert: read('server.cert'), key: read('server.key'), ...needed }, (request, response) => {
    response.end(String('authorized' in request.socket && request.socket.authorized));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const host = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Puts files into the host's folder of `certs.d`. */
function give(...names: readonly string[]): void {
  mkdirSync(join(certsDir, host()), { recursive: true });
  for (const name of names) cpSync(join(certificates, name), join(certsDir, host(), name));
}

async function ask(
  isInsecure: boolean,
  client = createHttpClient({ certsDir }, { isInsecure: () => isInsecure }),
): Promise<string> {
  const answer = await client.send({ url: new URL(`https://${host()}/`), signal });
  let text = '';
  for await (const chunk of answer.bytes()) text += chunk.toString();
  discard(answer);
  return text;
}

test('a certificate of an unknown authority is refused, unless the registry is named insecure', async () => {
  await expect(ask(false)).rejects.toMatchObject({
    code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/) as string,
  });
  expect(await ask(true)).toBe('false');
});

test('the authority in certs.d is trusted for that host, also when it comes later', async () => {
  const client = createHttpClient({ certsDir }, { isInsecure: () => false });
  await expect(ask(false, client)).rejects.toThrow();
  give('authority.crt');
  expect(await ask(false, client)).toBe('false');
});

test('authorities are those that the environment of the caller names', async () => {
  const askGiven = (environment: Record<string, string>) =>
    ask(false, openRegistries({ environment, dockerDir: certsDir }).http);
  expect(await askGiven({})).toBe('false');
  await expect(askGiven({ TSCOMPOSE_EXTRA_CA_CERTS: '/nonexistent' })).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(askGiven({ SSL_CERT_FILE: certsDir })).rejects.toMatchObject({ code: 'EISDIR' });
});

test('a pair of certificate and key in certs.d is shown to that host', async () => {
  give('authority.crt', 'client.cert', 'client.key');
  expect(await ask(false)).toBe('true');
});

describe('through a proxy', () => {
  const asked: (string | undefined)[] = [];
  const lines = new Set<{ destroy(): unknown }>();
  const proxy = createProxy();
  beforeAll(() => new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    for (const line of lines) line.destroy();
    proxy.close();
  });
  proxy.on('connect', ({ url, headers }, line) => {
    lines.add(line);
    asked.push(`${url ?? ''} ${headers['proxy-authorization'] ?? 'nobody'}`);
    if (headers['proxy-authorization'] === undefined) {
      line.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const server = connect(Number(url?.split(':')[1]), '127.0.0.1', () => {
      line.write('HTTP/1.1 200 OK\r\n\r\n');
      server.pipe(line).pipe(server);
    });
    lines.add(server);
  });
  const through = (login: string) => {
    const { port } = proxy.address() as AddressInfo;
    const proxyFor = () => new URL(`http://${login}127.0.0.1:${port}`);
    return createHttpClient({ certsDir }, { isInsecure: () => false, proxyFor });
  };

  test('a registry is asked over TLS of its own, with the password of the proxy for the proxy alone', async () => {
    await expect(ask(false, through('me:secret@'))).rejects.toThrow(/self-signed|unable to verify/);
    give('authority.crt');
    expect(await ask(false, through('me:secret@'))).toBe('false');
    expect(new Set(asked)).toEqual(new Set([`${host()} Basic ${btoa('me:secret')}`]));
  });

  test('a refusal names the proxy', async () => {
    await expect(ask(false, through(''))).rejects.toThrow(/^through the proxy 127\.0\.0\.1:\d+: .*407/);
  });
});
