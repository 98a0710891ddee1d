import { describe, expect, test } from 'vitest';
import type { Mount } from '../../../src/compose/index.js';
import { planUp, serviceHash } from '../../../src/plan/index.js';
import { failureOf } from '../../support/failure.js';
import { withImages } from '../../support/observed.js';
import { project } from '../../support/project.js';

const bind = { type: 'bind', source: '/host', target: '/src', bind: { create_host_path: true } } as const;

describe('x-idmap of a bind mount', () => {
  const plan = (mount: Mount) => {
    const desired = project({ services: { web: { image: 'busybox', volumes: [mount] } } });
    return planUp(desired, withImages(desired));
  };
  const mounts = (mount: Mount) =>
    plan(mount).steps.flatMap(({ operation }) =>
      operation.kind === 'container.create' ? (operation.request.HostConfig?.Mounts ?? []) : [],
    );

  test.each<[unknown, unknown]>([
    [
      { user: 1000, group: '1001' },
      { User: 1000, Group: 1001 },
    ],
    ['owner', { Owner: true }],
  ])('%j goes to the engine', (asked, IdMap) => {
    const BindOptions = { CreateMountpoint: true, IdMap };
    expect(mounts({ ...bind, 'x-idmap': asked })).toEqual([
      { Type: 'bind', Source: '/host', Target: '/src', BindOptions },
    ]);
  });

  test.each<[string, Mount, string]>([
    ['a group missing', { ...bind, 'x-idmap': { user: 1 } }, 'is neither "owner" nor a user and a group'],
    ['a name', { ...bind, 'x-idmap': { user: 'me', group: 1 } }, 'is neither "owner" nor a user and a group'],
    [
      'a member too many',
      { ...bind, 'x-idmap': { user: 1, group: 1, x: 1 } },
      'is neither "owner" nor a user and a group',
    ],
    ['a volume', { type: 'volume', target: '/src', 'x-idmap': 'owner' }, 'is for bind mounts, not for a volume'],
  ])('with %s is refused', (_, mount, problem) => {
    expect(failureOf(() => plan(mount))).toMatchObject({
      code: 'plan/invalid-id-map',
      message: `service "web": x-idmap of the mount at /src ${problem}`,
    });
  });

  test('makes another container of a service, and none of a service without', () => {
    const hash = (extension: object) => serviceHash({ image: 'busybox', volumes: [{ ...bind, ...extension }] });
    expect(hash({ 'x-idmap': 'owner' })).not.toBe(hash({}));
    expect(hash({ 'x-idmap': 'owner' })).not.toBe(hash({ 'x-idmap': { user: 1, group: 1 } }));
    expect(hash({ 'x-other': 'owner' })).toBe(hash({}));
  });
});
