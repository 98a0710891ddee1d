import { expect, test } from 'vitest';
import { statusResponse } from '../../../src/api/buildkit/status.js';
import type { ProgressMessage } from '../../../src/api/image.js';
import { readableBuild } from '../../../src/client/buildkit-trace.js';

const at = { seconds: 1, nanos: 0 };

function trace(status: Parameters<typeof statusResponse.encode>[0]): ProgressMessage {
  return { id: 'moby.buildkit.trace', aux: Buffer.from(statusResponse.encode(status)).toString('base64') };
}

test('the trace of a BuildKit becomes lines: each step once, its output, how it ended, and the id of the image', async () => {
  const run = { digest: 'sha256:b', name: '[2/2] RUN make' };
  async function* messages(): AsyncGenerator<ProgressMessage> {
    await Promise.resolve();
    yield trace({ vertexes: [{ ...run }, { digest: 'sha256:a', name: '[1/2] FROM busybox', started: at }] });
    yield trace({ vertexes: [{ digest: 'sha256:a', name: '', started: at, completed: at, cached: true }] });
    yield trace({ vertexes: [{ ...run, started: at }], logs: [{ vertex: run.digest, msg: Buffer.from('made\n') }] });
    yield trace({ vertexes: [{ ...run, started: at, completed: at, error: 'exit code: 2' }] });
    yield { id: 'moby.image.id', aux: { ID: 'sha256:c' } };
    yield { stream: 'as it is' };
  }
  const seen: ProgressMessage[] = [];
  for await (const message of readableBuild(messages())) seen.push(message);
  expect(seen.map(({ stream, aux }) => stream ?? aux)).toEqual([
    '#1 [1/2] FROM busybox\n',
    '#1 CACHED\n',
    '#2 [2/2] RUN make\n',
    'made\n',
    '#2 ERROR: exit code: 2\n',
    { ID: 'sha256:c' },
    'as it is',
  ]);
});
