import { describe, expect, test } from 'vitest';
import { planUp, projectGraph } from '../../../src/plan/index.js';
import { failureOf } from '../../support/failure.js';
import { withImages } from '../../support/observed.js';
import { project } from '../../support/project.js';

test('the graph has conditions, extensions and pace, also of disabled services, and no value of an environment', () => {
  const enabled = project({
    services: {
      web: {
        image: 'busybox',
        environment: { PASSWORD: 'secret' },
        depends_on: { db: { condition: 'service_healthy', required: false, restart: true } },
        links: ['cache:c'],
        'x-tscompose': { restart_with_dependencies: true, restart_unhealthy: 'true' },
      },
      db: {
        image: 'busybox',
        command: ['db', '--password=secret'],
        deploy: { restart_policy: { condition: 'any', delay: '1m30s', window: '10s', max_attempts: 3 } },
      },
      cache: { image: 'busybox' },
    },
  });
  const whole = {
    ...enabled,
    disabledServices: {
      debug: { image: 'busybox', depends_on: { web: { condition: 'service_started', required: true } as const } },
    },
  };
  const graph = projectGraph(whole);
  const plain = { restartUnhealthy: false, restartWithDependencies: false };
  expect(graph.services).toEqual({
    cache: { needs: [], ...plain },
    db: { needs: [], ...plain, pace: { delayMs: 90_000, windowMs: 10_000, maxAttempts: 3 } },
    debug: { needs: [{ service: 'web', condition: 'service_started', required: true, restart: false }], ...plain },
    web: {
      needs: [
        { service: 'cache', condition: 'service_started', required: true, restart: true },
        { service: 'db', condition: 'service_healthy', required: false, restart: true },
      ],
      restartUnhealthy: true,
      restartWithDependencies: true,
    },
  });
  expect(JSON.stringify(graph)).not.toContain('secret');
});

describe('x-tscompose of a service', () => {
  const with_ = (extension: unknown) => project({ services: { web: { image: 'busybox', 'x-tscompose': extension } } });

  test.each([
    [{ restart_unhealty: true }, 'service "web": x-tscompose has no member restart_unhealty'],
    [{ restart_unhealthy: 'often' }, 'service "web": x-tscompose.restart_unhealthy is neither true nor false'],
    [[1], 'service "web": x-tscompose is no mapping'],
  ])('is refused when it is not understood (%j)', (extension, message) => {
    const desired = with_(extension);
    expect(failureOf(() => planUp(desired, withImages(desired)))).toMatchObject({
      code: 'plan/unknown-extension',
      message,
    });
  });

  test.each([[{}], [null], [{ restart_unhealthy: true }], [{ restart_unhealthy: 'false' }]])(
    'changes nothing about the containers (%j)',
    (extension) => {
      const [desired, before] = [with_(extension), with_(undefined)];
      const hash = (one: typeof desired) =>
        planUp(one, withImages(one)).steps.flatMap(({ operation }) =>
          operation.kind === 'container.create' ? operation.request.Labels?.['com.docker.compose.config-hash'] : [],
        );
      expect(hash(desired)).toEqual(hash(before));
      expect(hash(desired)).toHaveLength(1);
    },
  );
});
