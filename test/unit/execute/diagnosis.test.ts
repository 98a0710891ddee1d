import { describe, expect, test } from 'vitest';
import type { ContainerInspect } from '../../../src/api/container.js';
import { diagnose, diagnoseStart } from '../../../src/execute/diagnosis.js';

describe('a health check whose program is missing says which one', () => {
  const unhealthy = (ExitCode: number, Output: string) => {
    const State = { Status: 'running', Health: { Status: 'unhealthy', FailingStreak: 3, Log: [{ ExitCode, Output }] } };
    const container = { State, Config: { Healthcheck: { Test: ['CMD', 'x'] } } };
    return diagnose('db', { container: container as unknown as ContainerInspect, requestedSignals: [] });
  };

  test.each([
    [-1, 'OCI runtime exec failed: exec failed: …: exec: "curl": executable file not found in $PATH: unknown'],
    [127, '/bin/sh: curl: not found\n'],
    [127, '/bin/sh: 1: curl: not found\n'],
    [127, 'bash: line 1: curl: command not found\n'],
    [1, 'sh: curl: not found'], // curl … || exit 1
  ])('exit code %i: %s', (exitCode, output) => {
    const { sentence, hint } = unhealthy(exitCode, output) ?? {};
    expect(sentence).toBe('is unhealthy: its probe calls "curl", which is not in the image');
    expect(hint).toContain('["TCP", ":PORT"] need no program there');
  });

  test.each(['wget: server returned error: HTTP/1.1 404 Not Found', 'page not found', 'error: not found'])(
    'but not of %s',
    (output) => {
      expect(unhealthy(1, output)?.sentence).toBe('is unhealthy');
    },
  );
});

test('a program that the kernel would not run is told from one that ran and failed', () => {
  const ended = (...lastLines: string[]) => {
    const container = { State: { Status: 'exited', ExitCode: 1, Error: '', OOMKilled: false }, HostConfig: {} };
    return diagnose('db', { container: container as unknown as ContainerInspect, requestedSignals: [], lastLines });
  };
  const forAnother = 'cannot start: its command "/prog" is for another processor, or a script without #!';
  expect(ended('exec container process `/prog`: Exec format error')?.sentence).toBe(forAnother);
  expect(ended('exec /prog: exec format error')?.sentence).toBe(forAnother);
  const noLoader = 'exec container process (missing dynamic library?) `/prog`: No such file or directory';
  expect(ended(noLoader)?.sentence).toBe(
    'cannot start: what its command "/prog" is to be run with is not in the image',
  );
  expect(ended('exec /prog: exec format error', 'more')?.sentence).toBe('exited with code 1');
});

test('a start that is refused names the attribute, and a file its use', () => {
  const missing = 'invalid mount config for type "bind": bind source path does not exist: /app/pw.txt';
  expect(diagnoseStart('db', missing)).toMatchObject({ kind: 'missing-mount', field: ['volumes'] });
  expect(diagnoseStart('db', missing, (file) => ({ kind: 'secret', name: file.slice(5, 7) }))).toMatchObject({
    sentence: 'cannot be created: the file of its secret "pw" does not exist: /app/pw.txt',
    elsewhere: ['secrets', 'pw', 'file'],
  });
  for (const text of [
    'crun create failed: unable to start container process: mount `/src/a.conf` to `etc/a.conf`: Not a directory: unknown',
    'error mounting "/src/a.conf" to rootfs at "/etc/a.conf": mount /src/a.conf:/etc/a.conf: not a directory: unknown',
  ]) {
    const sentence = expect.stringContaining('its mount /src/a.conf') as string;
    expect(diagnoseStart('db', text)).toMatchObject({ kind: 'missing-mount', field: ['volumes'], sentence });
  }
  expect(diagnoseStart('db', 'unable to find user app: no matching entries in passwd file')).toMatchObject({
    sentence: 'cannot start: its user "app" is not in the image',
    field: ['user'],
  });
});

describe('a run whose end nobody saw', () => {
  const span = { After: '2026-03-04T05:06:07.123456789Z', Before: '2026-03-04T05:16:00.000000000Z' };
  const lost = (Cause: 'host' | 'monitor', state: object) => {
    const State = { OOMKilled: false, ...state };
    const container = { State, HostConfig: {}, RestartCount: 0, Tscompose: { LostRun: { Cause, ...span } } };
    return diagnose('db', { container: container as unknown as ContainerInspect, requestedSignals: [] });
  };

  test('ended with the host, and the restart policy is the place to look at', () => {
    expect(lost('host', { Status: 'exited', ExitCode: 255, Error: '' })).toEqual({
      kind: 'lost',
      sentence: 'was running when the host went down, between 2026-03-04T05:06:07Z and 2026-03-04T05:16:00Z',
      details: [],
      hint: 'tscompose up -d db starts it; with restart: unless-stopped the engine does that itself',
      field: ['restart'],
    });
  });
  test('is told from a start that failed, and from one under way', () => {
    const gone = { Status: 'exited', ExitCode: 137, Error: 'the monitor of the container ended before it' };
    expect(lost('monitor', gone)?.sentence).toMatch(/^ended with its monitor, so that nobody saw how, between /);
    expect(lost('host', { Status: 'restarting', ExitCode: 255, Error: '' })?.sentence).toBe(
      'was running when the host went down, and is being started again',
    );
  });
});
