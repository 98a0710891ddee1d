import { describe, expect, test } from 'vitest';
import { parseAttributes } from '../../../../src/engine/buildkit/frontend/attributes.js';

describe('attributes of a build', () => {
  test('without any, the Dockerfile lies in its own folder of the client, and the context is the client’s', () => {
    expect(parseAttributes({})).toMatchObject({
      filename: 'Dockerfile',
      dockerfileFolder: 'dockerfile',
      context: { kind: 'local', folder: 'context' },
      named: {},
      request: { args: {}, labels: {}, noCache: false, pull: false, networkMode: 'bridge' },
    });
  });

  test('become what the builder is asked for', () => {
    const { request } = parseAttributes({
      'build-arg:A': '1',
      'build-arg:EMPTY': '',
      'label:x': 'y',
      target: 't',
      platform: 'linux/arm64,linux/amd64',
      'cache-imports': '[{"Type":"registry","Attrs":{"ref":"r.example/c:1"}},{"Type":"local","Attrs":{}}]',
      'no-cache': '',
      'image-resolve-mode': 'pull',
      'force-network-mode': 'none',
      'add-hosts': 'a=10.0.0.1,b=::1',
      'shm-size': '1048576',
      ulimit: 'nofile=10:20,core=0',
    });
    expect(request).toEqual({
      args: { A: '1', EMPTY: '' },
      labels: { x: 'y' },
      target: 't',
      platforms: ['linux/arm64', 'linux/amd64'],
      cacheFrom: ['type=registry,ref=r.example/c:1'],
      noCache: true,
      pull: true,
      networkMode: 'none',
      extraHosts: ['a:10.0.0.1', 'b:::1'],
      shmSizeBytes: 1_048_576,
      ulimits: [
        { Name: 'nofile', Soft: 10, Hard: 20 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
    });
  });

  test.each([
    ['local:other', { kind: 'local', folder: 'other' }],
    ['docker-image://busybox:1', { kind: 'image', reference: 'busybox:1' }],
    ['https://example.org/r.git#main:d', { kind: 'git', url: 'https://example.org/r.git#main:d' }],
    ['https://example.org/c.tar.gz', { kind: 'url', url: 'https://example.org/c.tar.gz' }],
  ])('name contexts: %s', (value, source) => {
    expect(parseAttributes({ 'context:n': value }).named).toEqual({ n: source });
  });

  test('with a context elsewhere, the Dockerfile lies there, unless it is said to be the client’s', () => {
    const context = 'https://example.org/r.git';
    expect(parseAttributes({ context }).dockerfileFolder).toBeUndefined();
    expect(parseAttributes({ context, dockerfilekey: 'dockerfile' }).dockerfileFolder).toBe('dockerfile');
    expect(parseAttributes({ context: 'http://buildkit-session/x' }).context).toMatchObject({ kind: 'upload' });
  });

  test.each([
    [{ requestid: 'frontend.outline' }, /frontend\.outline/],
    [{ 'force-network-mode': 'mine' }, /network "mine"/],
    [{ ulimit: 'nofile' }, /invalid ulimit/],
    [{ 'context:n': 'input:0' }, /"input:0"/],
  ])('that cannot be served are refused: %o', (attributes, message) => {
    expect(() => parseAttributes(attributes)).toThrow(message);
  });
});
