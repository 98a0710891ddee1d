import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  hostsLinesFor,
  ownNames,
  readHostResolver,
  renderResolvConf,
} from '../../../../src/engine/networks/name-files.js';
import { portMapOf } from '../../../../src/engine/networks/ports.js';
import { parseLink } from '../../../../src/engine/networks/sandbox-requests.js';

function host(text: string): ReturnType<typeof readHostResolver> {
  const folder = mkdtempSync(join(tmpdir(), 'tsc-resolv-'));
  try {
    writeFileSync(join(folder, 'resolv.conf'), text);
    return readHostResolver(join(folder, 'resolv.conf'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the host's resolvers are read, comments and all", () => {
  const text =
    '# x\nnameserver 127.0.0.53 # stub\n;nameserver 9.9.9.9\nnameserver fe80::1%eth0\ndomain old\nsearch a b\noptions edns0 ndots:2';
  expect(host(text)).toEqual({
    servers: ['127.0.0.53', 'fe80::1%eth0'],
    search: ['a', 'b'],
    options: ['edns0', 'ndots:2'],
  });
  expect(readHostResolver('/nonexistent/resolv.conf').servers).toEqual([]);
});

test("a container searches the host's domains unless it has its own, or wants none", () => {
  const from = host('search corp.example\noptions edns0 ndots:5');
  expect(renderResolvConf({ host: from, search: [], options: [] })).toContain(
    'nameserver 127.0.0.11\nsearch corp.example\noptions edns0 ndots:0\n',
  );
  expect(renderResolvConf({ host: from, search: ['own.example'], options: [] })).toContain('\nsearch own.example\n');
  expect(renderResolvConf({ host: from, search: ['.'], options: ['ndots:1'] })).toContain(
    'nameserver 127.0.0.11\noptions ndots:1\n',
  );
});

test('a hosts file begins with the loopback and ends with the own names', () => {
  const lines = hostsLinesFor(['10.0.0.2', 'fd00::2'], ['web.example', 'web']);
  expect(lines[0]).toBe('127.0.0.1\tlocalhost');
  expect(lines.slice(-2)).toEqual(['10.0.0.2\tweb.example web', 'fd00::2\tweb.example web']);
});

test('a name with dots has a short form beside it', () => {
  expect(ownNames('web', '')).toEqual(['web']);
  expect(ownNames('web', 'corp.example')).toEqual(['web.corp.example', 'web']);
  expect(ownNames('web.corp.example', '')).toEqual(['web.corp.example', 'web']);
  expect(ownNames('web.corp', 'example')).toEqual(['web.corp.example', 'web']);
});

test('a link is a container and perhaps an alias', () => {
  expect(parseLink('/db:store')).toEqual({ target: 'db', alias: 'store' });
  expect(parseLink('db')).toEqual({ target: 'db', alias: 'db' });
  expect(parseLink(`${'a'.repeat(64)}:x`).target).toBe('a'.repeat(12));
});

test('published ports are shown by container port, those on every address once for each family', () => {
  const port = { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const };
  expect(portMapOf([port, { ...port, hostIp: '127.0.0.1', hostPort: 9 }])).toEqual({
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
      { HostIp: '127.0.0.1', HostPort: '9' },
    ],
  });
});
