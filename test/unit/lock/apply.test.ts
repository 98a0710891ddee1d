import { describe, expect, test } from 'vitest';
import { applyLock, type LockFile, needsOf, pinnedRemote, remoteEntry } from '../../../src/lock/index.js';
import { project } from '../../support/project.js';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const pin = (digit: string) => ({ digest: digest(digit), platforms: {} });
const commit = '0123456789'.repeat(4);
const given = project({
  services: {
    db: { image: 'postgres', pull_policy: 'always' },
    pinned: { image: `nginx@${digest('9')}` },
    tool: { image: 'tool:1' },
    web: {
      build: {
        context: 'https://example.com/a.git#main:web',
        additional_contexts: { made: 'service:base', far: 'git@h:b.git' },
      },
      image: 'web',
      pre_start: [{ command: ['x'], image: 'busybox' }],
      volumes: [
        { type: 'image', source: 'data:2', target: '/a' },
        { type: 'image', source: 'db', target: '/b' },
      ],
    },
    base: { build: { context: '/srv/demo' } },
    user: { image: 'demo-base' },
  },
  disabledServices: { later: { image: 'later' } },
  lines: { 'services.tool.image': 7 },
});
const empty = { images: {}, bases: {}, commits: {} };
const lock: LockFile = {
  remotes: {},
  services: {
    db: { ...empty, images: { 'postgres:latest': pin('a') } },
    tool: { ...empty, images: { 'tool:1': { local: digest('b') } } },
    web: {
      images: { 'busybox:latest': pin('c'), 'data:2': pin('d'), 'db:latest': pin('0') },
      bases: { 'node:20': pin('e'), 'alpine:latest': { local: digest('f') } },
      commits: { 'https://example.com/a.git#main:web': commit, 'git@h:b.git': commit },
    },
  },
};

describe('what a project needs locked', () => {
  test('is every image that is not made by it and moves, and every git context', () => {
    const entries = (which: 'all' | 'enabled') =>
      Object.fromEntries(
        needsOf(given, which).map(({ service, images, commits }) => [
          service,
          [...images, ...commits].map(({ entry, path }) => `${entry} ${path.join('.')}`),
        ]),
      );
    expect(entries('all')).toEqual({
      base: [],
      db: ['postgres:latest services.db.image'],
      later: ['later:latest services.later.image'],
      pinned: [],
      tool: ['tool:1 services.tool.image'],
      user: [],
      web: [
        'busybox:latest services.web.pre_start.0.image',
        'data:2 services.web.volumes.0.source',
        'https://example.com/a.git#main:web services.web.build.context',
        'git@h:b.git services.web.build.additional_contexts.far',
      ],
    });
    expect(entries('enabled')).not.toHaveProperty('later');
  });
});

describe('a project with its lock', () => {
  const { project: locked, missing } = applyLock(given, lock, 'only');
  const { db, tool, web, pinned, user } = locked.model.services;

  test('has images at their digests, which no policy needs to pull again', () => {
    expect(missing).toEqual([]);
    expect(db).toMatchObject({ image: `postgres:latest@${digest('a')}`, pull_policy: 'missing' });
    expect(tool).toMatchObject({ image: digest('b'), pull_policy: 'never' });
    expect(pinned).toMatchObject({ image: `nginx@${digest('9')}` });
    expect(user).toMatchObject({ image: 'demo-base' });
    expect(web?.pre_start?.[0]).toMatchObject({ image: `busybox:latest@${digest('c')}` });
    expect(web?.volumes?.map(({ source }) => source)).toEqual([`data:2@${digest('d')}`, 'db']);
  });

  test('is built from what is locked, and not pulled instead', () => {
    expect(web).toMatchObject({
      image: 'web',
      pull_policy: 'never',
      build: {
        context: `https://example.com/a.git#${commit}:web`,
        additional_contexts: { made: 'service:base', far: `git@h:b.git#${commit}` },
      },
    });
    expect(locked.pinnedBases?.['web']).toEqual({
      pins: {
        'node:20': `node:20@${digest('e')}`,
        'alpine:latest': digest('f'),
        'demo-base': 'demo-base',
        'demo-base:latest': 'demo-base:latest',
        web: 'web',
        'web:latest': 'web:latest',
      },
      commits: { 'https://example.com/a.git#main:web': commit, 'git@h:b.git': commit },
      only: true,
    });
  });

  test('says what the lock has not, with the place that asks for it, and uses that as it is', () => {
    const { project: loose, missing: absent } = applyLock(
      given,
      { remotes: {}, services: { ...lock.services, tool: { ...empty, images: { 'tool:2': pin('a') } } } },
      'any',
    );
    expect(loose.model.services['tool']).toMatchObject({ image: 'tool:1' });
    expect(absent).toMatchObject([
      {
        code: 'lock/missing-entry',
        message: 'compose.lock has no entry for tool:1 of service "tool"; it has tool:2',
        hint: 'tscompose lock --update tool writes it',
        at: { line: 7 },
      },
    ]);
  });
});

describe('a compose file that is elsewhere', () => {
  test.each([
    ['https://example.com/a.git#main:x/compose.yaml', commit, `https://example.com/a.git#${commit}:x/compose.yaml`],
    ['https://u:secret@example.com/a.git', commit, `https://u:secret@example.com/a.git#${commit}`],
    ['git@example.com:a/b.git#v1', commit, `git@example.com:a/b.git#${commit}`],
    ['https://example.com/a.git?ref=main&subdir=x', commit, `https://example.com/a.git?ref=main&subdir=x#${commit}`],
    ['oci://localhost:5000/app:1', digest('a'), `oci://localhost:5000/app@${digest('a')}`],
    ['oci://localhost:5000/app', digest('a'), `oci://localhost:5000/app@${digest('a')}`],
  ])('%s is used at what the lock has for it', (text, pin, pinned) => {
    const [entry = ''] = remoteEntry(text);
    expect(entry).not.toContain('secret');
    expect(pinnedRemote(text, { [entry]: pin })).toBe(pinned);
    expect(pinnedRemote(text, {})).toBe(text);
    expect([remoteEntry(pinned), pinnedRemote(pinned, {})]).toEqual([[], pinned]);
  });

  test('is missed like everything else', () => {
    const far = { ...given, remotes: ['oci://localhost:5000/app:1', `oci://localhost:5000/b@${digest('a')}`] };
    expect(applyLock(far, lock, 'any').missing).toMatchObject([
      { message: 'compose.lock has no entry for the compose file oci://localhost:5000/app:1' },
    ]);
  });
});
