import { describe, expect, test } from 'vitest';
import { diffLocks, type LockFile, parseLock, renderChange, renderLock } from '../../../src/lock/index.js';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const lock: LockFile = {
  remotes: { 'https://example.com/infra.git#main': '0123456789'.repeat(4), 'oci://localhost:5000/app:1': digest('9') },
  services: {
    web: {
      images: {
        'nginx:1.25': { digest: digest('a'), platforms: { 'linux/arm64': digest('c'), 'linux/amd64': digest('b') } },
      },
      bases: {},
      commits: {},
    },
    'app: one': {
      images: {},
      bases: { 'busybox:latest': { local: digest('d') }, 'localhost:5000/a:1': { digest: digest('e'), platforms: {} } },
      commits: { 'git@example.com:a/b.git#main:sub dir': '0123456789'.repeat(4) },
    },
  },
};

describe('a lock file', () => {
  test('is read as it was written, and written the same whatever the order', () => {
    const text = renderLock(lock);
    expect(parseLock('compose.lock', text)).toEqual(lock);
    const { web, ...others } = lock.services;
    if (web === undefined) throw new Error('bug: no web');
    expect(renderLock({ remotes: lock.remotes, services: { ...others, web } })).toBe(text);
    expect(text.replaceAll(/^#.*\n/gm, '')).toMatchInlineSnapshot(`
      "version: 1
      remotes:
        https://example.com/infra.git#main: "0123456789012345678901234567890123456789"
        oci://localhost:5000/app:1: sha256:9999999999999999999999999999999999999999999999999999999999999999
      services:
        'app: one':
          bases:
            busybox:latest:
              local: sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
            localhost:5000/a:1:
              digest: sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
          commits:
            git@example.com:a/b.git#main:sub dir: "0123456789012345678901234567890123456789"
        web:
          images:
            nginx:1.25:
              digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
              platforms:
                linux/amd64: sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
                linux/arm64: sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
      "
    `);
    expect(text).toMatch(/^# /);
  });

  test('keeps every name that services and references can have', () => {
    for (const name of [
      'yes',
      '1',
      '1.0',
      'a: b',
      '- a',
      '"',
      "'",
      '#a',
      'http://h/x.git#v1:a b',
      'constructor',
      'null',
    ]) {
      const one = {
        remotes: {},
        services: { [name]: { images: { [name]: { local: digest('a') } }, bases: {}, commits: {} } },
      };
      expect([name, parseLock('compose.lock', renderLock(one))]).toEqual([name, one]);
    }
  });

  test.each([
    ['', 'not YAML'],
    ['<<<<<<< HEAD\nversion: 1\n=======\n', 'not YAML'],
    ['version: 1\nversion: 1\n', 'not YAML'],
    ['version: 2\nservices: {}\n', 'not of version 1'],
    ['version: 1\nremotes: {a: main}\n', 'remotes.a is neither'],
    ['version: 1\nservices: []\n', '"services" is not a mapping'],
    ['version: 1\nservices: {a: {images: {b: {digest: sha256:1}}}}\n', 'services.a.images.b has no digest'],
    ['version: 1\nservices: {a: {commits: {b: main}}}\n', 'services.a.commits.b is neither'],
    ['version: 1\nservices: {a: {commits: [b]}}\n', 'services.a.commits is not a mapping'],
    [`version: 1\nservices: {a: {images: {b: &x {local: ${digest('a')}}, c: *x}}}\n`, 'not YAML'],
  ])('that says %j is refused: %s', (text, reason) => {
    expect(() => parseLock('compose.lock', text)).toThrow(reason);
  });

  test('is compared entry by entry', () => {
    const { web } = lock.services;
    if (web === undefined) throw new Error('bug: no web');
    const other: LockFile = {
      remotes: { ...lock.remotes, 'oci://localhost:5000/app:1': digest('8') },
      services: {
        web: {
          ...web,
          images: { 'nginx:1.25': { digest: digest('a'), platforms: {} }, 'redis:7': { local: digest('f') } },
        },
        'app: one': {
          images: {},
          bases: { 'busybox:latest': { digest: digest('d'), platforms: {} } },
          commits: lock.services['app: one']?.commits ?? {},
        },
      },
    };
    const shown = diffLocks(lock, other).map((change) => renderChange(change).replaceAll(/([a-f89])\1{63}/g, '$1…'));
    expect(shown).toEqual([
      '~ file oci://localhost:5000/app:1  sha256:9… → sha256:8…',
      '~ app: one  base busybox:latest  sha256:d… (only here) → sha256:d…',
      '- app: one  base localhost:5000/a:1  sha256:e…',
      '~ web  image nginx:1.25  sha256:a… → other platforms',
      '+ web  image redis:7  sha256:f… (only here)',
    ]);
    expect(diffLocks(lock, lock)).toEqual([]);
  });
});
