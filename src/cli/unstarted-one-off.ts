import { composeLabels } from '../api/labels.js';
import type { EngineClient } from '../client/index.js';

const undoMs = 10_000;

/**
 * Removes the container of a `run` that never got to its command: something it needs did not come up, or the user gave
 * up. One whose own start failed stays, as it tells why.
 */
export async function removeUnstarted(client: EngineClient, slug: string): Promise<void> {
  const signal = AbortSignal.timeout(undoMs); // the caller's may have ended already
  const filters = { label: [`${composeLabels.slug}=${slug}`], status: ['created'] };
  for (const { Id } of await client.containers.list({ all: true, filters }, signal)) {
    const { State } = await client.containers.inspect(Id, signal);
    if (State.ExitCode === 0 && State.Error === '')
      await client.containers.remove(Id, { force: true, volumes: true }, signal);
  }
}
