import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import type { Project } from '../../../src/compose/index.js';
import { converge, executePlan, observe } from '../../../src/execute/index.js';
import { replicasOf } from '../../../src/graph/index.js';
import { planDown, planUp } from '../../../src/plan/index.js';
import { anyProject, propertyRuns } from '../../support/any-project.js';
import { FakeEngine } from '../../support/fake-engine.js';

/** A run of these takes a hundred requests over a socket, one of the planner's tests takes none. */
const runs = { numRuns: Math.ceil(propertyRuns.numRuns / 5) };

/**
 * What goes wrong at the `at`-th request that changes something.
 * - `refused`: nothing is done. `answer lost`: it is done, and the answer is an error.
 * - `interrupted`: the user's Ctrl-C while it is under way.
 */
const mishap = fc.record({
  at: fc.nat({ max: 30 }),
  kind: fc.constantFrom('refused', 'answer lost', 'interrupted'),
});
type Mishap = typeof mishap extends fc.Arbitrary<infer T> ? T : never;

class Scene implements AsyncDisposable {
  readonly engine: FakeEngine;
  readonly client;

  private constructor(engine: FakeEngine) {
    this.engine = engine;
    this.client = connectEngine({ host: engine.host });
    for (const image of ['busybox', 'alpine']) engine.images.add(image);
    engine.onStart = (container) => {
      if ((container.request.Healthcheck?.Test ?? []).length === 0) return;
      engine.change(container, { Health: { Status: 'healthy', FailingStreak: 0, Log: [] } }, 'health_status: healthy');
    };
  }

  static async create(): Promise<Scene> {
    return new Scene(await FakeEngine.start());
  }

  /** `up` with what goes wrong; resolves whether it succeeded or not. */
  async up(project: Project, mishaps: readonly Mishap[] = []): Promise<void> {
    const interrupt = new AbortController();
    let count = 0;
    this.engine.intercept = (method, _path, proceed) => {
      if (method === 'GET') return Promise.resolve(undefined);
      const hit = mishaps.find(({ at }) => at === count);
      count++;
      if (hit === undefined) return Promise.resolve(undefined);
      if (hit.kind === 'interrupted')
        setImmediate(() => {
          interrupt.abort(new Error('interrupted'));
        });
      else if (hit.kind === 'answer lost') proceed();
      return Promise.resolve(hit.kind === 'interrupted' ? undefined : { status: 500, body: { message: hit.kind } });
    };
    const work = converge(
      withoutCompletion(project),
      {},
      { client: this.client, project, onEvent: () => undefined, signal: interrupt.signal },
    );
    if (mishaps.length === 0) await work;
    else await work.catch(() => undefined);
  }

  async down(project: Project): Promise<void> {
    const { signal } = new AbortController();
    const observed = await observe(this.client, project, signal);
    const plan = planDown(observed, project, { projectName: project.name, volumes: true });
    await executePlan(plan, { client: this.client, project, onEvent: () => undefined, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.engine.stop();
  }
}

/** Containers of this engine never end by themselves. */
function withoutCompletion(project: Project): Project {
  const services = Object.entries(project.model.services).map(([name, service]) => {
    const needs = Object.entries(service.depends_on ?? {}).map(([other, need]) => {
      const { condition } = need;
      const healthy =
        condition === 'service_completed_successfully' || project.model.services[other]?.healthcheck === undefined;
      return [other, healthy ? { ...need, condition: 'service_started' as const } : need] as const;
    });
    return [
      name,
      service.depends_on === undefined ? service : { ...service, depends_on: Object.fromEntries(needs) },
    ] as const;
  });
  return { ...project, model: { ...project.model, services: Object.fromEntries(services) } };
}

test('whatever fails or is interrupted, the next up converges, the one after has nothing to do, and down leaves nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyProject,
      anyProject,
      fc.array(mishap, { maxLength: 3 }),
      fc.array(mishap, { maxLength: 3 }),
      async (before, project, early, late) => {
        await using scene = await Scene.create();
        await scene.up(before, early);
        await scene.up(project, late);
        await scene.up(project);
        for (const service of Object.keys(project.model.services)) {
          const own = [...scene.engine.containers.values()].filter(
            ({ request }) => request.Labels?.['com.docker.compose.service'] === service,
          );
          expect(own.map(({ name, state }) => `${name.replace(/\d+$/, 'N')} ${state.Status}`)).toEqual(
            Array.from({ length: replicasOf(project, service) }, () => `demo-${service}-N running`),
          );
        }
        const { signal } = new AbortController();
        expect(planUp(withoutCompletion(project), await observe(scene.client, project, signal)).steps).toEqual([]);
        await scene.down(project);
        const left = [...scene.engine.containers.values()].filter(
          ({ request }) => (request.Labels?.['com.docker.compose.service'] ?? '') in project.model.services,
        );
        expect(left).toEqual([]);
      },
    ),
    runs,
  );
}, 1_800_000);
