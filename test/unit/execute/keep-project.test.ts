import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { keepProject } from '../../../src/execute/index.js';
import { project } from '../../support/project.js';

test('on an engine that is not ours, what only ours can do is a warning, service by service', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dockerd-'));
  const server = createServer((request, response) => {
    if (request.url === '/_ping') return response.setHeader('Api-Version', '1.45').end();
    response.statusCode = 404;
    return response.end('{"message":"page not found"}');
  });
  await once(server.listen(join(folder, 'sock')), 'listening');
  const client = connectEngine({ host: `unix://${join(folder, 'sock')}` });
  try {
    const bind = { type: 'bind', source: '/host', target: '/src' } as const;
    const services = {
      mapped: { image: 'busybox', volumes: [bind, { ...bind, target: '/own', 'x-idmap': 'owner' }] },
      probed: { image: 'busybox', healthcheck: { test: ['TCP', ':80'] } },
      plain: { image: 'busybox', volumes: [bind] },
      revived: { image: 'busybox', 'x-tscompose': { restart_unhealthy: true } },
    };
    const warnings: string[] = [];
    const warn = (text: string) => warnings.push(text);
    await keepProject(project({ services, lines: { 'services.probed.healthcheck.test': 7 } }), {
      client,
      warn,
      signal: AbortSignal.timeout(10_000),
    });
    expect(warnings).toEqual([
      'warning: x-tscompose of service "revived" has no effect: only the embedded engine restarts by it',
      'warning: x-idmap of service "mapped" has no effect: only the embedded engine maps ids on mounts',
      '/srv/demo/compose.yaml:7:5: warning: service "probed" has no health check here: only the embedded engine knows TCP; ' +
        'use ["CMD", ...] with a program of the image, wget or nc for example',
    ]);
  } finally {
    client.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
