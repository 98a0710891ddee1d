import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { watchDockerSettings } from '../../../src/registry/docker-settings.js';
import { openRegistries } from '../../../src/registry/index.js';
import { folderPerTest } from '../../support/test-folder.js';

let dockerDir: string;
folderPerTest((path) => (dockerDir = path));
const write = (value: unknown) => writeFileSync(join(dockerDir, 'daemon.json'), JSON.stringify(value));
const urlsOf = (domain: string) => {
  const registries = openRegistries({ environment: {}, dockerDir });
  return [...registries.mirrorsOf(domain), registries.ownEndpoint(domain)].map(({ baseUrls }) =>
    baseUrls.map(({ href }) => href),
  );
};

test('without a daemon.json nothing is insecure, and there are no mirrors', () => {
  const settings = watchDockerSettings(join(dockerDir, 'absent'))();
  expect(settings.hubMirrors).toEqual([]);
  expect(settings.isInsecure('registry.example')).toBe(false);
});

test('mirrors are asked before Docker Hub, and for no other registry', () => {
  write({ 'registry-mirrors': ['https://mirror.example', 'http://10.0.0.1:5000'] });
  expect(urlsOf('docker.io')).toEqual([
    ['https://mirror.example/'],
    ['http://10.0.0.1:5000/'],
    ['https://registry-1.docker.io/'],
  ]);
  expect(urlsOf('ghcr.io')).toEqual([['https://ghcr.io/']]);
});

test('insecure registries are named by host and port or by network', () => {
  write({ 'insecure-registries': ['registry.example:5000', '10.1.0.0/16', 'fd00::/8'] });
  const settings = watchDockerSettings(dockerDir)();
  expect(
    ['registry.example:5000', 'registry.example', '10.1.2.3:80', '10.2.0.1', '[fd00::1]:5000', '[fe80::1]'].map(
      (host) => settings.isInsecure(host),
    ),
  ).toEqual([true, false, true, false, true, false]);
});

test('an insecure registry is asked over TLS first, then in the clear', () => {
  write({ 'insecure-registries': ['registry.example:5000'] });
  expect(urlsOf('registry.example:5000')).toEqual([
    ['https://registry.example:5000/', 'http://registry.example:5000/'],
  ]);
});

test('proxies are those of the file, as far as it has any', () => {
  write({ proxies: { 'https-proxy': 'http://proxy.example:3128', 'no-proxy': '' } });
  expect(watchDockerSettings(dockerDir)().proxies).toEqual({ https: 'http://proxy.example:3128' });
});

test('a file that changes is read again', () => {
  const settings = watchDockerSettings(dockerDir);
  expect(settings().isInsecure('a')).toBe(false);
  write({ 'insecure-registries': ['a'] });
  expect(settings().isInsecure('a')).toBe(true);
  write({});
  expect(settings().isInsecure('a')).toBe(false);
});

describe('a file that makes no sense is named with the reason', () => {
  test.each<[string, unknown, RegExp]>([
    ['no list', { 'registry-mirrors': 'https://mirror.example' }, /registry-mirrors is not a list of strings/],
    [
      'a mirror without scheme',
      { 'registry-mirrors': ['mirror.example'] },
      /"mirror.example" is not an http or https URL/,
    ],
    ['a network that is none', { 'insecure-registries': ['10.0.0.0/99'] }, /"10.0.0.0\/99" is not a network/],
    ['a URL in place of a host', { 'insecure-registries': ['http://a/'] }, /neither a host nor a network/],
    ['no object', [], /not a JSON object/],
  ])('%s', (_, value, reason) => {
    write(value);
    const message = expect.stringMatching(reason) as string;
    expect(watchDockerSettings(dockerDir)).toThrow(expect.objectContaining({ code: 'registry/bad-settings', message }));
  });
});
