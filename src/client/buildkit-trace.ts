import { statusResponse } from '../api/buildkit/status.js';
import type { ProgressMessage } from '../api/image.js';

const traceId = 'moby.buildkit.trace';
const imageId = 'moby.image.id';

/**
 * Makes the messages of a dockerd's BuildKit (`/build?version=2`) those of a builder that writes text: a line `#3 [2/4]
 * RUN …` for a step, `#3 CACHED` or `#3 DONE` for its end, and what its command writes as it is.
 */
export async function* readableBuild(
  messages: AsyncIterable<ProgressMessage>,
): AsyncGenerator<ProgressMessage, void, void> {
  const steps = new Map<string, { readonly number: number; started: boolean; ended: boolean }>();
  const stepOf = (digest: string) => {
    const step = steps.get(digest) ?? { number: steps.size + 1, started: false, ended: false };
    steps.set(digest, step);
    return step;
  };
  for await (const { id, aux, ...rest } of messages) {
    if (id === imageId) yield { aux };
    else if (id !== traceId || typeof aux !== 'string') yield { ...(id === undefined ? {} : { id }), aux, ...rest };
    else {
      const { vertexes, logs } = statusResponse.decode(Buffer.from(aux, 'base64'));
      for (const { digest = '', name = '', started } of vertexes) {
        if (started === undefined) continue;
        const step = stepOf(digest);
        if (step.started) continue;
        step.started = true;
        yield { stream: `#${step.number} ${name}\n` };
      }
      for (const { msg } of logs) if (msg !== undefined) yield { stream: Buffer.from(msg).toString('utf8') };
      for (const { digest = '', cached = false, completed, error = '' } of vertexes) {
        if (completed === undefined) continue;
        const step = stepOf(digest);
        if (step.ended) continue;
        step.ended = true;
        yield { stream: `#${step.number} ${error !== '' ? `ERROR: ${error}` : cached ? 'CACHED' : 'DONE'}\n` };
      }
    }
  }
}
