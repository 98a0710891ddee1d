import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/base/log.js';
import { openProjects } from '../../../../src/engine/projects/index.js';
import { projectRoutes } from '../../../../src/engine/server/routes/projects.js';
import { Served } from './serve.js';
import { folderPerTest } from '../../../support/test-folder.js';

const node = { needs: [], restartUnhealthy: false, restartWithDependencies: false };
const graph = { name: 'demo', workingDir: '/demo', composeFiles: ['/demo/compose.yaml'], services: { web: node } };
const signal = AbortSignal.timeout(30_000);

let dir: string;
folderPerTest((path) => (dir = path));

async function serve(looked: string[]): Promise<Served> {
  const containers = { reconcile: (project: string) => void looked.push(project) };
  const projects = await openProjects({ dir, log: silentLog });
  return await Served.routes(...projectRoutes({ projects, containers }));
}

test('a graph that is put is kept, looked at when it is another one, and forgotten', async () => {
  const looked: string[] = [];
  await using served = await serve(looked);
  await served.client.keepProject(graph, signal);
  await served.client.keepProject(graph, signal);
  expect(looked).toEqual(['demo']);
  expect(JSON.parse((await served.request('GET', '/tscompose/projects/demo')).text)).toEqual(graph);
  expect(JSON.parse((await served.request('GET', '/tscompose/projects')).text)).toEqual([graph]);
  const path = join(dir, 'demo.json');
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ schema: 1, record: graph });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = await openProjects({ dir, log: silentLog }); // as the next engine does
  expect(again.list()).toEqual([graph]);
  await served.client.forgetProject('demo', signal);
  await served.client.forgetProject('demo', signal);
  expect(await served.request('GET', '/tscompose/projects/demo')).toMatchObject({ status: 404 });
});

test.each([
  ['demo', { ...graph, services: { web: {} } }, 'project/bad-graph'],
  ['other', graph, 'request/bad-body'],
  ['demo', { ...graph, name: '../demo' }, 'project/bad-graph'],
])('what is no graph of %s is refused (%#)', async (name, body, code) => {
  const looked: string[] = [];
  await using served = await serve(looked);
  const answer = await served.request('PUT', `/tscompose/projects/${name}`, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.text)).toMatchObject({ code });
  expect(looked).toEqual([]);
});
