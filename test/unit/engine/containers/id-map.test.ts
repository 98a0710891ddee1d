import { expect, test } from 'vitest';
import { idMapOption } from '../../../../src/engine/containers/id-map.js';
import { failureOf } from '../../../support/failure.js';

const crun = {
  kind: 'crun',
  path: '/usr/bin/crun',
  version: 'crun version 1.8.1',
  root: '/run',
  fastStart: true,
} as const;
const mount = { source: '/', destination: '/src' };
const option = (user: number, group: number, runtime: { kind: 'crun' | 'runc'; version: string } = crun) =>
  idMapOption({ ...mount, idMap: { user, group } }, { ...crun, ...runtime });

test('ids are mapped one to one: the host user to root, the others to themselves, the host’s root to nobody', () => {
  expect(option(1000, 1)).toBe('idmap=uids=1000-0-1#1-1-999#1001-1001-4294966294;gids=1-0-1#2-2-4294967293');
  expect(option(4294967294, 0)).toBe('idmap=uids=4294967294-0-1#1-1-4294967293;gids=0-0-4294967295');
});

test('there is no map where root stays root', () => {
  expect(option(0, 0)).toBeUndefined();
  expect(idMapOption({ ...mount, idMap: 'owner' }, crun)).toBeUndefined(); // of /
  expect(idMapOption(mount, crun)).toBeUndefined();
});

test.each([
  ['runc', 'runc version 1.1.5'],
  ['crun', 'crun version 0.17'],
] as const)('with %s a map is refused: %s', (kind, version) => {
  expect(failureOf(() => option(1, 1, { kind, version }))).toMatchObject({
    code: 'container/id-map-refused',
    message: `cannot map ids of / at /src: ${version} cannot do it, crun 1.5 and later can`,
  });
});
