import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { prepareContext } from '../../../src/execute/index.js';
import { needsBuildkit } from '../../../src/execute/needs-buildkit.js';
import type { BuildRequest } from '../../../src/plan/index.js';

test.each([
  'RUN --mount=type=cache,target=/cache npm ci',
  '  run --network=none make',
  'COPY --from=build --link /app /app',
  'COPY --chmod=755 run.sh /',
  'ADD --checksum=sha256:00 https://example.com/a /a',
  'RUN <<EOF\necho hello\nEOF',
  'COPY <<-"END" /etc/motd',
  'ARG TARGETARCH',
  'FROM --platform=$BUILDPLATFORM golang',
])('%j is built with BuildKit', (line) => {
  expect(needsBuildkit(`FROM busybox\n${line}\n`)).toBe(true);
});

test.each([
  'RUN make --link',
  'COPY --chown=1 --from=0 a b',
  '# RUN --mount=type=tmpfs',
  'RUN cat < in',
  'ENV A=--mount',
])('%j is left to the classic builder, which takes logins of registries', (line) => {
  expect(needsBuildkit(`FROM busybox\n${line}\n`)).toBe(false);
});

test('the context for another engine begins with a header that BuildKit sees whole in its first 1024 bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'context-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nRUN --mount=type=tmpfs,target=/t true\n');
  const request: BuildRequest = {
    ...{ context: folder, dockerfile: undefined, dockerfileInline: undefined, tags: [], args: {}, target: undefined },
    ...{ labels: {}, noCache: false, pull: false, networkMode: undefined, platforms: [], extraHosts: [] },
    ...{ cacheFrom: [], cacheTo: [], shmSize: undefined, isolation: undefined, ulimits: [], secrets: {}, ssh: {} },
    ...{ additionalContexts: {}, entitlements: [], provenance: undefined, bases: undefined },
  };
  const client = connectEngine({ host: 'tcp://127.0.0.1:1' });
  onTestFinished(() => {
    client.close();
  });
  const { context, builder } = await prepareContext(client, 'web', request, new AbortController().signal);
  expect(builder).toBe('buildkit');
  const tar = context.kind === 'tar' ? await buffer(context.stream) : Buffer.alloc(0);
  expect(tar.subarray(156, 157).toString()).toBe('5'); // a directory, and no extended header before it
});
