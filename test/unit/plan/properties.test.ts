import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import type { Project } from '../../../src/compose/index.js';
import {
  checkPlan,
  planDown,
  planRestart,
  planStart,
  planStop,
  planUp,
  type ObservedState,
  type Plan,
} from '../../../src/plan/index.js';
import { anyProject, anyUpOptions, propertyRuns as runs } from '../../support/any-project.js';
import { withImages } from '../../support/observed.js';
import { simulate } from '../../support/simulate.js';

/** A plan that keeps its invariants; undefined when the selection leaves out what others share. */
function checked(make: () => Plan): Plan | undefined {
  try {
    const plan = make();
    expect(checkPlan(plan)).toEqual([]);
    return plan;
  } catch (error) {
    if (hasCode(error, 'plan/nothing-to-share') || hasCode(error, 'plan/no-such-service')) return undefined;
    throw error;
  }
}

/** Steps that a run cut short at any moment may have done: none without those it comes after. */
function cutShort(plan: Plan, keep: readonly boolean[]): Plan {
  const done = new Set<number>();
  for (const { id, after } of plan.steps) {
    if (keep[id % keep.length] !== false && after.every((step) => done.has(step))) done.add(id);
  }
  return { ...plan, steps: plan.steps.filter(({ id }) => done.has(id)) };
}

function images(state: ObservedState, desired: Project): ObservedState {
  return { ...state, images: withImages(desired).images };
}

test('up after up is empty, whatever was there before', () => {
  fc.assert(
    fc.property(anyProject, anyProject, anyUpOptions, (before, after, options) => {
      const first = checked(() => planUp(before, withImages(before), options));
      const old = first === undefined ? withImages(before) : simulate(withImages(before), first);
      const observed = images(old, after);
      const plan = checked(() => planUp(after, observed));
      if (plan === undefined) throw new Error('a whole project can always be planned');
      expect(checked(() => planUp(after, simulate(observed, plan)))?.steps).toEqual([]);
    }),
    runs,
  );
}, 120_000);

test('after a run cut short anywhere the next two ups come to rest', () => {
  fc.assert(
    fc.property(
      anyProject,
      anyProject,
      fc.array(fc.boolean(), { minLength: 3, maxLength: 7 }),
      (before, after, keep) => {
        const old = simulate(withImages(before), planUp(before, withImages(before)));
        const observed = images(old, after);
        const cut = simulate(observed, cutShort(planUp(after, observed), keep));
        const plan = checked(() => planUp(after, cut));
        if (plan === undefined) throw new Error('a whole project can always be planned');
        const next = simulate(cut, plan);
        expect(checked(() => planUp(after, next))?.steps).toEqual([]);
        const final = next.containers.filter(({ service }) => service in after.model.services).map(({ name }) => name);
        expect(final.filter((name) => /^[0-9a-f]{12}_/.test(name))).toEqual([]);
      },
    ),
    runs,
  );
}, 120_000);

test('down after anything leaves no container, network or volume of the project', () => {
  fc.assert(
    fc.property(anyProject, anyUpOptions, (desired, options) => {
      const plan = checked(() => planUp(desired, withImages(desired), options));
      if (plan === undefined) return;
      const observed = simulate(withImages(desired), plan);
      const down = planDown(observed, desired, { projectName: 'demo', volumes: true });
      expect(checkPlan(down)).toEqual([]);
      expect(simulate(observed, down)).toMatchObject({ containers: [], networks: [], volumes: [] });
    }),
    runs,
  );
}, 120_000);

test('stop, start and restart keep their invariants, and start after stop brings all back', () => {
  fc.assert(
    fc.property(anyProject, (desired) => {
      const observed = simulate(withImages(desired), planUp(desired, withImages(desired)));
      const target = { projectName: 'demo' };
      const stopped = simulate(
        observed,
        checked(() => planStop(observed, desired, target)) ?? planStop(observed, desired, target),
      );
      expect(stopped.containers.every(({ status }) => status === 'exited')).toBe(true);
      const start = checked(() => planStart(stopped, desired, target));
      expect(
        start === undefined ? [] : simulate(stopped, start).containers.filter(({ status }) => status !== 'running'),
      ).toEqual([]);
      checked(() => planRestart(observed, desired, { ...target, services: ['a'] }));
    }),
    runs,
  );
}, 120_000);

test('the same input gives the same plan, and planning changes nothing', () => {
  fc.assert(
    fc.property(anyProject, anyUpOptions, (desired, options) => {
      const observed = Object.freeze(withImages(desired));
      const plan = checked(() => planUp(desired, observed, options));
      expect(checked(() => planUp(desired, observed, options))).toEqual(plan);
    }),
    runs,
  );
}, 120_000);
