import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/base/digest.js';
import type { BuildCache, CacheRecord } from '../../../../src/engine/builder/solver/cache.js';
import type { Operation, Outcome } from '../../../../src/engine/builder/solver/operation.js';
import { SharedRuns } from '../../../../src/engine/builder/solver/shared-runs.js';
import { solve, type SolveObserver } from '../../../../src/engine/builder/solver/solve.js';

const silent: SolveObserver = {
  started: () => undefined,
  running: () => undefined,
  output: () => undefined,
  solved: () => undefined,
  failed: () => undefined,
};

function memoryCache(): BuildCache {
  const records = new Map<string, CacheRecord>();
  return {
    get: (key) => records.get(key),
    put: (key, { detail }, { description, createdAt }) => {
      records.set(key, {
        chainId: null,
        detail: detail ?? null,
        description,
        sizeBytes: 0,
        createdAt,
        lastUsedAt: createdAt,
        useCount: 1,
      });
      return Promise.resolve();
    },
    entries: () => [],
    remove: () => Promise.resolve(),
  };
}

const parts = () => ({
  cache: memoryCache(),
  runs: new SharedRuns(),
  layers: { retain: () => () => undefined },
  now: () => new Date(0),
});

interface Built {
  readonly operation: Operation;
  readonly runs: string[];
}

/** An operation that notes its runs and gives a text made of its name and inputs. */
function step(
  name: string,
  inputs: Operation[],
  runs: string[],
  work?: (signal: AbortSignal) => Promise<void>,
): Operation {
  return {
    inputs,
    description: name,
    key: (outcomes) => Promise.resolve(digestOf(`${name}(${outcomes.map(({ detail }) => detail).join()})`)),
    run: async (outcomes, { onOutput, signal }): Promise<Outcome> => {
      runs.push(name);
      onOutput(Buffer.from(`${name} says\n`));
      await work?.(signal);
      return { detail: `${name}(${outcomes.map(({ detail }) => detail).join()})` };
    },
  };
}

function diamond(leaf = 'leaf'): Built {
  const runs: string[] = [];
  const base = step(leaf, [], runs);
  return { operation: step('top', [step('left', [base], runs), step('right', [base], runs)], runs), runs };
}

const request = (target: Operation, more: Partial<Parameters<typeof solve>[1]> = {}) => ({
  targets: [target],
  cacheUse: 'read-write' as const,
  observer: silent,
  parallel: 4,
  signal: new AbortController().signal,
  ...more,
});

describe('solving', () => {
  test('what two operations need is done once', async () => {
    const { operation, runs } = diamond();
    const [solved] = (await solve(parts(), request(operation))).solved;
    expect(solved?.detail).toBe('top(left(leaf()),right(leaf()))');
    expect(runs.toSorted()).toEqual(['leaf', 'left', 'right', 'top']);
  });

  test('the same graph again does nothing; another input does only what depends on it', async () => {
    const shared = parts();
    await solve(shared, request(diamond().operation));
    const again = diamond();
    expect((await solve(shared, request(again.operation))).solved[0]?.source).toBe('cache');
    expect(again.runs).toEqual([]);
    const runs: string[] = [];
    const base = step('leaf', [], runs);
    await solve(shared, request(step('top', [step('other', [base], runs), step('right', [base], runs)], runs)));
    expect(runs).toEqual(['other', 'top']);
  });

  test('an input that comes to the same content does not rebuild what follows', async () => {
    const shared = parts();
    const runs: string[] = [];
    const constant = (name: string): Operation => ({
      ...step(name, [], runs),
      run: () => Promise.resolve({ detail: 'same' }),
    });
    await solve(shared, request(step('top', [constant('one')], runs)));
    runs.length = 0;
    await solve(shared, request(step('top', [constant('two')], runs)));
    expect(runs).toEqual([]);
  });

  test('without the cache all is done again and remembered', async () => {
    const shared = parts();
    await solve(shared, request(diamond().operation));
    const fresh = diamond();
    await solve(shared, request(fresh.operation, { cacheUse: 'write' }));
    expect(fresh.runs).toHaveLength(4);
  });

  test('targets that come to the same step run it once, also without the cache', async () => {
    const runs: string[] = [];
    const target = (name: string): Operation => step(name, [step('shared', [step('leaf', [], runs)], runs)], runs);
    const { solved } = await solve(
      parts(),
      request(target('one'), { targets: [target('one'), target('two')], cacheUse: 'write' }),
    );
    expect(solved.map(({ detail }) => detail)).toEqual(['one(shared(leaf()))', 'two(shared(leaf()))']);
    expect(runs.toSorted()).toEqual(['leaf', 'one', 'shared', 'two']);
  });

  test('builds that come to the same step at the same time run it once, and both see its output', async () => {
    const shared = parts();
    const runs: string[] = [];
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const said: string[] = [];
    const observer = (who: string): SolveObserver => ({
      ...silent,
      output: (_, chunk) => void said.push(`${who}: ${chunk.toString()}`),
    });
    const build = (who: string) =>
      solve(
        shared,
        request(
          step('slow', [], runs, () => gate),
          { observer: observer(who) },
        ),
      );
    const both = [build('a'), build('b')];
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await Promise.all(both);
    expect(runs).toEqual(['slow']);
    expect(said.toSorted()).toEqual(['a: slow says\n', 'b: slow says\n']);
  });

  test('a shared step goes on when one of its builds is canceled, and stops with the last', async () => {
    const shared = parts();
    const runs: string[] = [];
    let stopped = false;
    const untilAborted = (signal: AbortSignal) =>
      new Promise<void>((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped = true;
          reject(new Error('stopped'));
        });
      });
    const first = new AbortController();
    const second = new AbortController();
    const one = solve(shared, request(step('slow', [], runs, untilAborted), { signal: first.signal }));
    const two = solve(shared, request(step('slow', [], runs, untilAborted), { signal: second.signal }));
    one.catch(() => undefined);
    two.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    second.abort(new Error('second gone'));
    await expect(two).rejects.toThrow('second gone');
    expect(stopped).toBe(false);
    first.abort(new Error('first gone'));
    await expect(one).rejects.toThrow('first gone');
    expect(stopped).toBe(true);
  });

  test('a canceled build stays, with all that its steps work with, until one that others wait for has ended', async () => {
    const shared = parts();
    const runs: string[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const first = new AbortController();
    let hasLeft = false;
    let leftBeforeTheEnd = false;
    const work = async (): Promise<void> => {
      await gate;
      leftBeforeTheEnd = hasLeft;
    };
    const one = solve(shared, request(step('slow', [], runs, work), { signal: first.signal })).finally(() => {
      hasLeft = true;
    });
    const two = solve(shared, request(step('slow', [], runs, work)));
    one.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    first.abort(new Error('first gone'));
    await new Promise((resolve) => setImmediate(resolve));
    open();
    await expect(one).rejects.toThrow('first gone');
    expect((await two).solved[0]?.detail).toBe('slow()');
    expect(runs).toEqual(['slow']);
    expect(leftBeforeTheEnd).toBe(false);
  });

  test('a shared step that fails because its build is gone runs again with the things of one that waits', async () => {
    const shared = parts();
    const runs: string[] = [];
    let fail = (): void => undefined;
    const asked = new Promise<void>((_, reject) => (fail = () => reject(new Error('the session has ended'))));
    const first = new AbortController();
    const one = solve(
      shared,
      request(
        step('slow', [], runs, () => asked),
        { signal: first.signal },
      ),
    );
    const others = ['two', 'three'].map(() => solve(shared, request(step('slow', [], runs, () => Promise.resolve()))));
    one.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    first.abort(new Error('first gone'));
    fail();
    await expect(one).rejects.toThrow('first gone');
    for (const { solved } of await Promise.all(others)) expect(solved[0]?.detail).toBe('slow()');
    expect(runs).toEqual(['slow', 'slow']);
  });

  test('the first failure stops the others, and only it is told as a failure', async () => {
    const runs: string[] = [];
    const failed: string[] = [];
    const hanging = step('hanging', [], runs, (signal) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    });
    const failing = step('failing', [], runs, () => Promise.reject(new Error('broken')));
    const observer: SolveObserver = {
      ...silent,
      failed: ({ description }, _, cause) => void failed.push(`${description} ${cause}`),
    };
    await expect(solve(parts(), request(step('top', [hanging, failing], runs), { observer }))).rejects.toThrow(
      'broken',
    );
    expect(failed.toSorted()).toEqual(['failing own', 'hanging others']);
    expect(runs).not.toContain('top');
  });

  test('not more run at once than allowed', async () => {
    let running = 0;
    let most = 0;
    const leaves = Array.from({ length: 6 }, (_, index) =>
      step(`leaf${index}`, [], [], async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      }),
    );
    await solve(parts(), request(step('top', leaves, []), { parallel: 2 }));
    expect(most).toBe(2);
  });
});
