import { describe, expect, test } from 'vitest';
import { planUp, projectGraph } from '../../../src/plan/index.js';
import { failureOf } from '../../support/failure.js';
import { image, withImages } from '../../support/observed.js';
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

test('hooks are in the graph where the engine is to run them, and never with values', () => {
  const post_start = [{ command: ['init'], user: 'root', working_dir: '/srv' }];
  const pre_stop = [{ command: ['flush'], privileged: true }];
  const services = {
    web: { image: 'busybox', post_start, pre_stop, 'x-tscompose': { hooks_on_restart: true } },
    other: { image: 'busybox', post_start, pre_stop },
  };
  const graph = projectGraph(project({ services }));
  expect(graph.services['web']?.hooks).toEqual({
    postStart: [{ command: ['init'], user: 'root', workingDir: '/srv', privileged: false }],
    preStop: [{ command: ['flush'], privileged: true }],
  });
  expect(graph.services['other']?.hooks).toBeUndefined();
  const secret = { ...services.web, pre_stop: [{ command: ['flush'], environment: { TOKEN: 'x' } }] };
  const desired = project({ services: { web: secret } });
  expect(failureOf(() => planUp(desired, withImages(desired)))).toMatchObject({
    code: 'plan/unknown-extension',
    message: 'service "web": the engine cannot run pre_stop[0], which has an environment of its own',
  });
});

describe('x-tscompose of a service', () => {
  test('that can have no effect is a warning', () => {
    const both = { restart_unhealthy: true, restart_with_dependencies: true };
    const depends_on = { good: { condition: 'service_started', required: true, restart: true } } as const;
    const desired = project({
      services: {
        none: { image: 'busybox', 'x-tscompose': both },
        off: { image: 'checked', healthcheck: { disable: true }, 'x-tscompose': both, depends_on },
        good: { image: 'busybox', healthcheck: { test: ['CMD', 'true'] }, 'x-tscompose': { restart_unhealthy: true } },
        image: { image: 'checked', 'x-tscompose': { restart_unhealthy: true } },
      },
    });
    const observed = withImages(desired);
    const images = { ...observed.images, checked: image('checked', { hasHealthCheck: true }) };
    const { warnings } = planUp(desired, { ...observed, images });
    expect(warnings.map(({ subject, message }) => `${subject} ${message}`).sort()).toEqual([
      'Service none asks for restart_unhealthy in vain: it has no health check',
      'Service none asks for restart_with_dependencies in vain: nothing that it needs has restart: true',
      'Service off asks for restart_unhealthy in vain: it has no health check',
    ]);
  });

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
