import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fetchRemote, type FetchedProject } from '../../../src/remote/index.js';
import { GitServer } from '../../support/git-server.js';
import { folderPerTest } from '../../support/test-folder.js';

const server = new GitServer();
let cache = '';
let first = '';

beforeAll(async () => {
  await server.listen();
  first = server.commit('app', {
    'compose.yaml': 'name: one\n',
    'sub/docker-compose.yml': 'name: sub\n',
    'sub/other.yaml': 'name: other\n',
    'empty/readme': '',
    'passwd.yaml': '-> /etc/passwd',
    out: '-> ..',
  });
  server.tag('app', 'v1');
  server.commit('app', { 'compose.yaml': 'name: two\n' });
  server.commit('app', { 'compose.yaml': 'name: side\n' }, 'feature/v1');
}, 60_000);
afterAll(async () => {
  await server.close();
});
folderPerTest((path) => (cache = path));
beforeEach(() => {
  server.requests.length = 0;
  server.login = undefined;
});

async function fetch(fragment: string, environment: Record<string, string> = {}): Promise<FetchedProject> {
  return await fetchRemote(`http://${server.host}/app.git${fragment}`, {
    registries: { environment: {} },
    credentials: () => Promise.resolve(undefined),
    environment: { XDG_CACHE_HOME: cache, HOME: '/nonexistent', ...environment },
    signal: new AbortController().signal,
  });
}
const textOf = ({ files }: FetchedProject): string => readFileSync(files[0] ?? '', 'utf8');

describe('what a reference names is checked out', () => {
  test.each([
    ['', 'name: two\n'],
    ['#main', 'name: two\n'],
    ['#feature/v1', 'name: side\n'],
    ['#v1', 'name: one\n'],
    ['#refs/tags/v1', 'name: one\n'],
    ['?branch=feature/v1', 'name: side\n'],
    ['#main:sub', 'name: sub\n'],
    ['#main:sub/', 'name: sub\n'],
    ['#:sub/other.yaml', 'name: other\n'],
  ])('"%s"', async (fragment, text) => {
    expect(textOf(await fetch(fragment))).toBe(text);
  });

  test('a commit that is no branch', async () => {
    expect(textOf(await fetch(`#${first}`))).toBe('name: one\n');
  });

  test('messages name the file by its reference', async () => {
    const project = await fetch('#main:sub');
    expect(project.nameOf(project.files[0] ?? '')).toBe(`http://${server.host}/app.git#main:sub/docker-compose.yml`);
  });
});

describe('the cache', () => {
  test('answers for a pinned commit without asking the server', async () => {
    await fetch(`#${first}`);
    server.requests.length = 0;
    expect(textOf(await fetch(`#${first}`))).toBe('name: one\n');
    expect(server.requests).toEqual([]);
  });

  test('is asked after the branch is resolved, and holds a commit once', async () => {
    const [one, two] = [await fetch('#v1'), await fetch('#refs/tags/v1')];
    expect(one.root).toBe(two.root);
    expect(readdirSync(join(cache, 'tscompose/remote/git'))).toHaveLength(1);
  });

  test('is filled by several at once without harm or remains', async () => {
    const fetched = await Promise.all(Array.from({ length: 4 }, () => fetch('#main')));
    expect(new Set(fetched.map(({ root }) => root)).size).toBe(1);
    expect(readdirSync(join(cache, 'tscompose/remote/git'))).toHaveLength(1);
  });

  test('keeps nothing of a fetch that failed', async () => {
    await expect(fetch(`#${'0'.repeat(40)}`)).rejects.toMatchObject({ code: 'remote/unavailable' });
    expect(readdirSync(join(cache, 'tscompose/remote/git'))).toEqual([]);
  });
});

describe('refused', () => {
  test.each([
    ['a branch nobody has', '#nowhere', 'remote/no-such-ref'],
    ['a name git would take for an option', '#--upload-pack=touch$IFS/tmp/x', 'remote/no-such-ref'],
    ['a path that climbs out', '#main:../../etc', 'remote/outside'],
    ['an absolute path that is not there', '#main:/etc/passwd', 'remote/no-compose-file'],
    ['a link to a file outside', '#main:passwd.yaml', 'remote/outside'],
    ['a link to a folder outside', '#main:out', 'remote/outside'],
    ['a folder without compose file', '#main:empty', 'remote/no-compose-file'],
    ['a path that is not there', '#main:gone.yaml', 'remote/no-compose-file'],
  ])('%s', async (_, fragment, code) => {
    await expect(fetch(fragment)).rejects.toMatchObject({ code });
  });

  test('everything, when the variable says so', async () => {
    await expect(fetch('', { COMPOSE_EXPERIMENTAL_GIT_REMOTE: 'false' })).rejects.toMatchObject({
      code: 'remote/disabled',
    });
    expect(server.requests).toEqual([]);
  });
});

describe('a server that wants a password', () => {
  const withLogin = (login: string): Promise<FetchedProject> =>
    fetchRemote(`http://${login}@${server.host}/app.git`, {
      registries: { environment: {} },
      credentials: () => Promise.resolve(undefined),
      environment: { XDG_CACHE_HOME: cache, HOME: '/nonexistent' },
      signal: new AbortController().signal,
    });

  test('gets the one in the reference, which is kept nowhere', async () => {
    server.login = "me:pa'ss$(word)";
    const { root } = await withLogin(`me:${encodeURIComponent("pa'ss$(word)")}`);
    expect(readFileSync(join(root, '.git/config'), 'utf8')).not.toContain('pa');
    expect(relative(cache, root)).not.toContain('pa');
  });

  test('refuses a wrong one, and the message does not show it', async () => {
    server.login = 'me:right';
    const failure: unknown = await withLogin('me:wrong').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'remote/unavailable' });
    expect(String(failure)).not.toContain('wrong');
  });
});
