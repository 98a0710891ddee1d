import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { observe } from './observe.js';
import type { Timeline } from './timeline.js';

/** An engine keeps the results of five probes: the first of so many may not be the first of all. */
const kept = 5;

/** Notes in a timeline when the first health probe of each container ended that something waited for. */
export async function noteFirstProbes(
  client: EngineClient,
  project: Project,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<void> {
  const waited = new Set(timeline.waitedFor());
  if (waited.size === 0) return;
  const { containers } = await observe(client, project, signal, { images: false, networks: false, volumes: false });
  await Promise.all(
    containers
      .filter(({ name }) => waited.has(name))
      .map(async ({ id, name }) => {
        const { State } = await client.containers.inspect(id, signal);
        const probes = State.Health?.Log ?? [];
        const [first] = probes;
        if (first === undefined || probes.length >= kept) return;
        timeline.noteFirstProbe(name, Date.parse(first.End) - Date.parse(State.StartedAt));
      }),
  );
}
