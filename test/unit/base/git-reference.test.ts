import { describe, expect, test } from 'vitest';
import { parseGitReference } from '../../../src/base/git/reference.js';
import { isRemoteReference, shownReference } from '../../../src/remote/reference.js';

const commit = 'a'.repeat(40);

describe('a git reference names a repository, a name in it and a path below its root', () => {
  test.each([
    ['https://example.com/me/app.git', 'https://example.com/me/app.git', undefined, ''],
    ['https://example.com/me/app.git#v1', 'https://example.com/me/app.git', 'v1', ''],
    ['https://example.com/me/app.git#v1:deploy', 'https://example.com/me/app.git', 'v1', 'deploy'],
    ['https://example.com/me/app.git#:deploy/dev.yaml', 'https://example.com/me/app.git', undefined, 'deploy/dev.yaml'],
    ['https://example.com/me/app.git?ref=v1&subdir=deploy', 'https://example.com/me/app.git', 'v1', 'deploy'],
    ['https://example.com/me/app.git?branch=v1', 'https://example.com/me/app.git', 'refs/heads/v1', ''],
    ['https://example.com/me/app.git?tag=v1', 'https://example.com/me/app.git', 'refs/tags/v1', ''],
    ['ssh://git@example.com:2222/app#x', 'ssh://git@example.com:2222/app', 'x', ''],
    ['git://example.com/app', 'git://example.com/app', undefined, ''],
    ['git@example.com:me/app.git#v1:sub', 'git@example.com:me/app.git', 'v1', 'sub'],
    ['github.com/me/app#v1:sub', 'https://github.com/me/app.git', 'v1', 'sub'],
    ['github.com/me/app.git', 'https://github.com/me/app.git', undefined, ''],
  ])('%s', (text, remote, ref, path) => {
    expect(parseGitReference(text)).toMatchObject({ remote, ref, path });
  });

  test.each([
    './app.git',
    '../app',
    'compose.yaml',
    '/srv/app.git',
    'https://example.com/compose.yaml',
    'file:///srv/app.git',
    'ext::sh -c x',
    'https://-oProxyCommand=x/app.git',
    '-oProxyCommand=x@host:app.git',
    'git@-host:app.git',
    'C:\\app.git',
    'docker-image://busybox',
  ])('%s names none', (text) => {
    expect(parseGitReference(text)).toBeUndefined();
  });
});

test('a name of 40 hex digits pins a commit', () => {
  expect(parseGitReference(`git://example.com/app#${commit}`)?.commit).toBe(commit);
  expect(parseGitReference(`https://example.com/app.git?ref=main&checksum=${commit}`)?.commit).toBe(commit);
  expect(parseGitReference('git://example.com/app#aaaa')?.commit).toBeUndefined();
});

test('a password is kept apart and never shown', () => {
  const text = 'https://me:se%20cret@example.com/app.git#v1:sub';
  expect(parseGitReference(text)).toMatchObject({
    remote: 'https://example.com/app.git',
    credentials: { username: 'me', password: 'se cret' },
  });
  expect(shownReference(text)).toBe('https://example.com/app.git#v1:sub');
  expect(shownReference('ssh://git:secret@example.com/app')).toBe('ssh://git@example.com/app');
});

test('a password cannot answer more than git asks', () => {
  expect(parseGitReference('https://me:a%0aurl=x@example.com/app.git')?.credentials).toBeUndefined();
});

test('artifacts are remote too, files are not', () => {
  expect(isRemoteReference('oci://example.com/app:v1')).toBe(true);
  expect(isRemoteReference('oci/compose.yaml')).toBe(false);
});
