import { describe, expect, test } from 'vitest';
import type { InstructionOf } from '../../../../src/engine/builder/dockerfile/ast.js';
import { parseGoDuration } from '../../../../src/base/go-duration.js';
import { nearest } from '../../../../src/engine/builder/dockerfile/nearest.js';
import { goDuration } from '../../../../src/engine/builder/image/go-format.js';
import { parseExposed } from '../../../../src/engine/builder/image/port-spec.js';
import { isSignal } from '../../../../src/engine/builder/image/signals.js';
import { parsePlatform } from '../../../../src/engine/builder/plan/platform.js';
import { platformText } from '../../../../src/registry/index.js';
import { OrderedOutput } from '../../../../src/engine/builder/report/ordered-output.js';
import { parseMode } from '../../../../src/engine/builder/rootfs/mode.js';
import { parseMount } from '../../../../src/engine/builder/steps/mount-flag.js';
import { fileNameIn } from '../../../../src/engine/builder/steps/remote-file.js';

const run: InstructionOf<'RUN'> = {
  keyword: 'RUN',
  text: 'RUN x',
  at: { file: 'Dockerfile', line: 1, column: 1 },
  command: { form: 'exec', args: ['x'] },
  mounts: [],
  devices: [],
};
const mount = (text: string) => parseMount(text, run, (value) => value.replace('$V', 'v'));

test.each([
  ['755', 0o644, 0o755],
  ['4711', 0o644, 0o4711],
  ['u+x', 0o644, 0o744],
  ['go-r', 0o644, 0o600],
  ['a=r,u+w', 0o777, 0o644],
  ['+X', 0o644, 0o644],
  ['+X', 0o744, 0o755],
  ['u+s,+t', 0o755, 0o5755],
])('chmod %s', (text, before, after) => {
  expect(parseMode(text)?.(before, false)).toBe(after);
});

test.each(['8', '77777', 'u', 'z+x', 'u+q', ''])('chmod %j is refused', (text) => {
  expect(parseMode(text)).toBeUndefined();
});

test('a symbolic X gives execution to directories', () => {
  expect(parseMode('u=rwX,go=rX')?.(0o600, true)).toBe(0o755);
});

describe('RUN --mount', () => {
  test('a bind is the default type, read-only, of the whole context', () => {
    expect(mount('target=/x')).toEqual({ type: 'bind', target: '/x', source: '/', readOnly: true });
    expect(mount('type=bind,from=s,src=/a$V,dst=/x,rw')).toEqual({
      type: 'bind',
      target: '/x',
      source: '/av',
      from: 's',
      readOnly: false,
    });
  });
  test('a cache is named by its target unless told, and shared', () => {
    expect(mount('type=cache,target=/c')).toMatchObject({ id: '/c', sharing: 'shared', readOnly: false, mode: 0o755 });
    expect(mount('type=cache,target=/c,id=i,sharing=locked,mode=0700,uid=5,ro')).toMatchObject({
      id: 'i',
      sharing: 'locked',
      mode: 0o700,
      uid: 5,
      readOnly: true,
    });
  });
  test('a secret has a place, or is a variable', () => {
    expect(mount('type=secret,id=a')).toMatchObject({ target: '/run/secrets/a', mode: 0o400, required: false });
    expect(mount('type=secret,target=/x/y')).toMatchObject({ id: 'y', target: '/x/y' });
    expect(mount('type=secret,id=a,env=A,required')).toMatchObject({ target: '', env: 'A', required: true });
  });
  test('a tmpfs has a size with a unit', () => {
    expect(mount('type=tmpfs,target=/t,size=2m')).toMatchObject({ sizeBytes: 2 << 20 });
  });
  test.each([
    'type=x,target=/',
    'type=cache',
    'target=/x,mode=1',
    'type=cache,target=/x,sharing=y',
    'type=tmpfs,target=/x,size=1q',
  ])('%s is refused', (text) => {
    expect(() => mount(text)).toThrow(/in --mount=/);
  });
});

test('durations are read and shown as in Go', () => {
  const texts = ['0s', '1ns', '1.5µs', '20ms', '1.5s', '1m30s', '1h0m0s', '26h3m4.5s'];
  expect(texts.map((text) => goDuration(parseGoDuration(text) ?? -1))).toEqual(texts);
  expect(['1', 's', '1x', '1s ', '-1s'].map(parseGoDuration)).toEqual(Array.from({ length: 5 }, () => undefined));
});

test('ports, signals and platforms', () => {
  expect(parseExposed('8000-8002/UDP')).toEqual(['8000/udp', '8001/udp', '8002/udp']);
  expect(['0', '70000', '9-8', '80/x', 'x'].map(parseExposed)).toEqual(Array.from({ length: 5 }, () => undefined));
  expect(['9', 'KILL', 'sigterm', 'SIGRTMIN+3'].every(isSignal)).toBe(true);
  expect(['0', '65', 'NOPE', ''].some(isSignal)).toBe(false);
  const platforms = ['linux/amd64', 'linux/arm64/v8', 'aarch64', 'linux/arm/v7'].map(parsePlatform);
  expect(platforms.map((platform) => platform && platformText(platform))).toEqual([
    'linux/amd64',
    'linux/arm64',
    'linux/arm64',
    'linux/arm/v7',
  ]);
  expect(parsePlatform('a/b/c/d')).toBeUndefined();
});

test('the nearest word is one that could be meant', () => {
  expect(nearest('ENTRYPONIT', ['ENV', 'ENTRYPOINT'])).toBe('ENTRYPOINT');
  expect(nearest('XYZ', ['ENV', 'RUN'])).toBeUndefined();
});

test('output of what runs at the same time comes in order, and a failure lets out its own', () => {
  const out: string[] = [];
  const ordered = new OrderedOutput(3, (text) => out.push(text));
  ordered.write(1, 'b1');
  ordered.write(0, 'a1');
  ordered.finish(1);
  ordered.write(2, 'c1');
  expect(out).toEqual(['a1']);
  ordered.flush(2);
  expect(out).toEqual(['a1', 'c1']);
  ordered.finish(0);
  ordered.write(2, 'c2');
  expect(out).toEqual(['a1', 'c1', 'b1', 'c2']);
});

test('of the output of what is not yet told only so much is kept, and its other lines all', () => {
  const out: string[] = [];
  const ordered = new OrderedOutput(2, (text) => out.push(text));
  ordered.write(1, 'Step 2\n');
  for (let megabyte = 0; megabyte < 5; megabyte++) ordered.writeOutput(1, 'y'.repeat(1 << 20));
  ordered.write(1, ' ---> id\n');
  ordered.finish(0);
  ordered.writeOutput(1, 'told at once');
  expect(out.map((text) => (text.length > 100 ? text.length : text))).toEqual([
    'Step 2\n',
    1 << 20,
    1 << 20,
    '\n[output clipped, log limit 2MiB reached]\n',
    ' ---> id\n',
    'told at once',
  ]);
});

test.each([
  ['http://h/d/file.txt?q=1', 'file.txt'],
  ['http://h/with%20blank', 'with blank'],
  ['http://h/..%2f..%2fetc%2fpasswd', 'passwd'],
  ['http://h/a%zz', 'a%zz'],
  ['http://h/latin%e9', 'latin\udce9'],
  ['http://h/d/', 'd'],
  ['http://h/', undefined],
  ['http://h/a%2f..', undefined],
  ['http://h/a%00b', undefined],
  ['http://', undefined],
])('a download from %s is called %j', (url, name) => {
  expect(fileNameIn(url)).toBe(name);
});
