import { describe, expect, test } from 'vitest';
import type { ContainerInspect } from '../../../src/api/container.js';
import type { ContainerExtension } from '../../../src/api/tscompose.js';
import { diagnose } from '../../../src/execute/diagnosis.js';
import { noteOf } from '../../../src/execute/index.js';

const loop = {
  Exits: 5,
  ExitCode: 1,
  SameCode: true,
  Since: '2026-01-01T00:00:00.000000000Z',
  Until: '2026-01-01T00:00:20.400000000Z',
  LastWords: 'no config file',
};
const wait = {
  Service: 'db',
  Condition: 'service_healthy',
  Failed: false,
  Reason: 'waits for "db" to be healthy',
} as const;

test('a note says the state and its reason in a few words', () => {
  expect(noteOf({ CrashLoop: loop })).toBe('crash loop: 5 exits with code 1 in 20 s: no config file');
  expect(noteOf({ CrashLoop: { ...loop, SameCode: false, LastWords: '' } })).toBe(
    'crash loop: 5 exits (the last with code 1) in 20 s',
  );
  expect(noteOf({ StartWait: wait })).toBe('waits for "db" to be healthy');
  expect(noteOf({ UnhealthyRestarts: 2 })).toBeUndefined();
  expect(noteOf(undefined)).toBeUndefined();
});

describe('a diagnosis rests on what the engine tells', () => {
  const seen = (Status: string, Tscompose: ContainerExtension, state: object = {}, more: object = {}) => {
    const State = { Status, ExitCode: 0, Error: '', OOMKilled: false, ...state };
    const container = { State, RestartCount: 4, Config: {}, HostConfig: {}, Tscompose, ...more };
    return diagnose('db', { container: container as unknown as ContainerInspect, requestedSignals: [] });
  };

  test.each(['restarting', 'running'])('of a crash loop, also while it is %s', (status) => {
    expect(seen(status, { CrashLoop: loop })).toMatchObject({
      kind: 'crash-loop',
      sentence: 'is in a crash loop: 5 exits with code 1 in 20 s',
      details: [],
    });
  });

  test('of a crash loop by a signal', () => {
    expect(seen('restarting', { CrashLoop: { ...loop, ExitCode: 139 } })?.details[0]).toBe(
      'it was ended by SIGSEGV (exit code 139)',
    );
  });

  test('of a restart policy that gave up', () => {
    expect(seen('exited', { CrashLoop: loop }, { ExitCode: 1 })).toMatchObject({
      kind: 'exit-code',
      details: ['its restart policy gave up after 5 exits with code 1 in 20 s'],
    });
  });

  test('of a start that waits, whatever its last run was', () => {
    for (const status of ['exited', 'restarting', 'created']) {
      expect(seen(status, { StartWait: wait })).toMatchObject({ kind: 'waiting', sentence: wait.Reason });
    }
  });

  test('of a hook that failed', () => {
    const HookFailure = 'hook post_start[0] exited with code 3';
    expect(noteOf({ HookFailure })).toBe(HookFailure);
    expect(seen('running', { HookFailure })).toMatchObject({
      kind: 'hook-failed',
      sentence: 'runs, but its hook post_start[0] exited with code 3',
      field: ['post_start'],
    });
  });

  test('of restarts because of health', () => {
    expect(seen('restarting', { UnhealthyRestarts: 2 })?.sentence).toBe(
      'was unhealthy and is being restarted, for the 2nd time',
    );
    const Health = { Status: 'starting', FailingStreak: 0, Log: [] };
    expect(seen('running', { UnhealthyRestarts: 11 }, { Health })?.details).toEqual([
      'was restarted 11 times in a row because of that',
    ]);
  });
});
