import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Project } from '../../../src/compose/index.js';
import { buildGraph, dependenciesOf, replicasOf } from '../../../src/graph/index.js';
import { checkPlan, planUp, type ObservedState, type Plan, type UpOptions } from '../../../src/plan/index.js';
import { anyMishaps, anyProject, propertyRuns as runs } from '../../support/any-project.js';
import { withImages } from '../../support/observed.js';
import { orderFaults } from '../../support/order-faults.js';
import { simulate } from '../../support/simulate.js';

/** A plan that keeps every invariant. */
function up(project: Project, observed: ObservedState, options: UpOptions = {}): Plan {
  const plan = planUp(project, observed, options);
  expect(checkPlan(plan)).toEqual([]);
  expect(orderFaults(plan, project)).toEqual([]);
  return plan;
}

/** Plans until nothing is to be done; images come in a round of their own. */
function convergedFrom(project: Project, observed: ObservedState, given: UpOptions = {}): ObservedState {
  let state = observed;
  let options = given;
  for (let round = 1; ; round++) {
    const plan = up(project, state, options);
    state = simulate(state, plan);
    if (plan.again === undefined) return state;
    options = { ...given, fetched: plan.again };
    if (round === 5) throw new Error('planning images does not come to an end');
  }
}

/** What another project brought up, and then lived through, on an engine that has only some of the images. */
const anyState = fc.tuple(anyProject, anyMishaps, fc.boolean()).map(([before, mishaps, images]) => {
  const state = mishaps(simulate(withImages(before), planUp(before, withImages(before))));
  return images ? state : { ...state, images: {} };
});

test('up from any state brings every service to its number of running containers with their names', () => {
  fc.assert(
    fc.property(anyProject, anyState, (project, state) => {
      const final = convergedFrom(project, state);
      for (const service of Object.keys(project.model.services)) {
        const own = final.containers.filter((one) => one.service === service && !one.oneOff);
        // The engine brings back what is restarting.
        expect(own.filter(({ status }) => status !== 'running' && status !== 'restarting')).toEqual([]);
        expect(own).toHaveLength(replicasOf(project, service));
        expect(own.filter(({ name }) => !name.startsWith(`demo-${service}-`))).toEqual([]);
      }
    }),
    runs,
  );
}, 600_000);

test('up after up from any state is empty', () => {
  fc.assert(
    fc.property(anyProject, anyState, (project, state) => {
      expect(up(project, convergedFrom(project, state)).steps).toEqual([]);
    }),
    runs,
  );
}, 600_000);

test('up leaves alone what is not of the services asked for, and on its networks', () => {
  fc.assert(
    fc.property(anyProject, anyState, fc.subarray(['a', 'b']), (project, state, named) => {
      const graph = buildGraph(project);
      const services = named.filter((service) => graph.services.includes(service));
      const asked = new Set(services.length === 0 ? graph.services : [...services, ...dependenciesOf(graph, services)]);
      const others = ({ containers }: ObservedState) =>
        containers
          .filter(({ service, oneOff }) => oneOff || !asked.has(service))
          .map(({ id, status, oneOff, networks }) => {
            const up = ['running', 'restarting', 'paused'].includes(status);
            return [id, oneOff ? status : up, Object.keys(networks).sort()];
          });
      expect(others(convergedFrom(project, state, { services }))).toEqual(others(state));
    }),
    runs,
  );
}, 600_000);
