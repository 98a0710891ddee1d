import { expect, test } from 'vitest';
import { canonicalText, parseReference, withDefaultTag } from '../../../src/registry/index.js';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['busybox', 'docker.io/library/busybox', 'busybox'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
  ['me/app', 'docker.io/me/app', 'me/app'],
  ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
  ['index.docker.io/library/busybox:x', 'docker.io/library/busybox:x', 'busybox:x'],
  ['library/me/app', 'docker.io/library/me/app', 'library/me/app'],
  ['localhost/app', 'localhost/app', 'localhost/app'],
  ['localhost:5000/a/b:v1', 'localhost:5000/a/b:v1', 'localhost:5000/a/b:v1'],
  ['ghcr.io/o/i@' + digest, `ghcr.io/o/i@${digest}`, `ghcr.io/o/i@${digest}`],
  [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`, `busybox:1@${digest}`],
  ['[::1]:5000/x', '[::1]:5000/x', '[::1]:5000/x'],
  ['LOCAL/app', 'LOCAL/app', 'LOCAL/app'],
  ['a__b/c-d.e', 'docker.io/a__b/c-d.e', 'a__b/c-d.e'],
])('%s means %s and is shown as %s', (text, canonical, familiar) => {
  const reference = parseReference(text);
  expect(canonicalText(reference)).toBe(canonical);
  expect(reference.familiar).toBe(familiar);
  expect(canonicalText(parseReference(reference.familiar))).toBe(canonical);
});

test.each([
  ['', 'invalid reference format'],
  ['BAD', 'invalid reference format: repository name (library/BAD) must be lowercase'],
  ['a b', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  ['a:-x', 'invalid reference format'],
  ['a@sha256:12', 'invalid reference format'],
  ['-a', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['../a', 'invalid reference format'],
  ['a'.repeat(300), 'invalid reference format: repository name must not be more than 255 characters'],
  ['f'.repeat(64), 'invalid reference format: cannot specify 64-byte hexadecimal strings'],
])('%j is refused', (text, message) => {
  expect(() => parseReference(text)).toThrow(message);
});

test('latest is added only where there is neither tag nor digest', () => {
  expect(withDefaultTag(parseReference('a')).familiar).toBe('a:latest');
  expect(withDefaultTag(parseReference('a:b')).familiar).toBe('a:b');
  expect(withDefaultTag(parseReference(`a@${digest}`)).familiar).toBe(`a@${digest}`);
});
