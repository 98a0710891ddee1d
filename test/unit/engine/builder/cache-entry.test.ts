import { expect, test } from 'vitest';
import { cacheEntry } from '../../../../src/engine/builder/portable-cache/entry.js';

test.each([
  ['reg.test/app:cache', 'from', { kind: 'registry', reference: 'reg.test/app:cache' }, false, false],
  ['type=registry,ref=reg.test/app:cache', 'from', { kind: 'registry', reference: 'reg.test/app:cache' }, false, false],
  ['type=local,src=/var/cache', 'from', { kind: 'local', path: '/var/cache' }, false, false],
  ['type=local,dest=/var/cache,mode=max', 'to', { kind: 'local', path: '/var/cache' }, true, false],
  ['type=inline', 'to', { kind: 'inline' }, false, false],
  ['type=registry,ref=a/b,ignore-error=true', 'to', { kind: 'registry', reference: 'a/b' }, false, true],
  ['type=gha,scope=x', 'to', { kind: 'unknown', type: 'gha' }, false, false],
] as const)('%s as cache_%s', (text, direction, place, all, ignoresErrors) => {
  expect(cacheEntry(text, direction)).toEqual({ place, all, ignoresErrors });
});

test.each([
  ['type=registry', 'lacks ref='],
  ['type=local,src=', 'lacks dest='],
])('%s is refused: it %s', (text, reason) => {
  expect(() => cacheEntry(text, 'to')).toThrow(reason);
});
