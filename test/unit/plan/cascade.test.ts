import { expect, test } from 'vitest';
import { checkPlan, planCascade, planStop, renderPlan, type ObservedState } from '../../../src/plan/index.js';
import { running } from '../../support/observed.js';
import { project } from '../../support/project.js';
import { simulate } from '../../support/simulate.js';

const started = { condition: 'service_started', required: true } as const;
const healthy = { condition: 'service_healthy', required: true } as const;
const app = project({
  services: {
    web: { image: 'busybox', depends_on: { api: started } },
    api: { image: 'busybox', depends_on: { db: healthy, cache: started } },
    db: { image: 'busybox', healthcheck: { test: ['CMD', 'true'] }, pre_stop: [{ command: ['flush'] }] },
    cache: { image: 'busybox' },
    other: { image: 'busybox' },
  },
});
const target = { projectName: 'demo' };

function text(observed: ObservedState, ...services: string[]): string {
  const plan = planCascade(observed, app, { ...target, services });
  expect(checkPlan(plan)).toEqual([]);
  return renderPlan(plan);
}

test('dependents stop first, and start again when what they need is as they ask', () => {
  expect(text(running(app), 'db')).toMatchInlineSnapshot(`
    "1            container.stop   web-1       what it needs is restarted
    2 after 1    container.stop   api-1       what it needs is restarted
    3 after 2    container.exec   db-1        pre_stop hook
    4 after 3    container.stop   db-1        restart
    5 after 4    container.start  db-1        was stopped for the change
    6 after 5    container.wait   db healthy  api needs it healthy
    7 after 2,6  container.start  api-1       was stopped for the change
    8 after 1,7  container.start  web-1       was stopped for the change"
  `);
});

test('a service that nobody needs is restarted alone', () => {
  expect(text(running(app), 'web')).toMatchInlineSnapshot(`
    "1          container.stop   web-1  restart
    2 after 1  container.start  web-1  was stopped for the change"
  `);
});

test('dependents that do not run stay as they are, the named one starts', () => {
  const observed = running(app);
  const stopped = simulate(observed, planStop(observed, app, { ...target, services: ['api', 'db'] }));
  expect(text(stopped, 'db')).not.toContain('api-1');
  expect(text(stopped, 'db')).toMatch(/container\.start +db-1/);
  expect(text(stopped, 'db')).toMatch(/container\.start +web-1/);
});

test('without names everything is restarted in order', () => {
  const plan = text(running(app));
  for (const service of ['web', 'api', 'db', 'cache', 'other']) {
    expect(plan).toMatch(new RegExp(`container\\.stop +${service}-1`));
    expect(plan).toMatch(new RegExp(`container\\.start +${service}-1`));
  }
});

test('what comes of it runs as before, also by labels alone', () => {
  const observed = running(app);
  const byName = planCascade(observed, undefined, { ...target, services: ['db'] });
  for (const plan of [planCascade(observed, app, { ...target, services: ['db'] }), byName]) {
    expect(simulate(observed, plan).containers.map(({ status }) => status)).toEqual(Array(5).fill('running'));
  }
});
