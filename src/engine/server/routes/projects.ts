import { noSuchProject, parseGraph } from '../../projects/index.js';
import { readJson } from '../body.js';
import { badBody } from '../errors.js';
import { param, sendJson, sendStatus } from '../exchange.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

/** Outside Docker's names: what the engine knows of projects, so that starts it makes by itself follow their order. */
export function projectRoutes({
  projects,
  containers,
}: Pick<Rooms, 'projects'> & { readonly containers: Pick<Rooms['containers'], 'reconcile'> }): readonly Route[] {
  return [
    [
      'GET',
      '/tscompose/projects',
      (exchange) => {
        sendJson(exchange, 200, projects.list());
      },
    ],
    [
      'GET',
      '/tscompose/projects/{name}',
      (exchange) => {
        const name = param(exchange, 'name');
        const graph = projects.get(name);
        if (graph === undefined) throw noSuchProject(name);
        sendJson(exchange, 200, graph);
      },
    ],
    [
      'PUT',
      '/tscompose/projects/{name}',
      async (exchange) => {
        const graph = parseGraph(await readJson(exchange.body, exchange.request.headers));
        const name = param(exchange, 'name');
        if (graph.name !== name) throw badBody(`the graph is that of project ${graph.name}, not of ${name}`);
        if (await projects.put(graph)) containers.reconcile(name);
        sendStatus(exchange, 204);
      },
    ],
    [
      'DELETE',
      '/tscompose/projects/{name}',
      async (exchange) => {
        const name = param(exchange, 'name');
        await projects.delete(name);
        containers.reconcile(name);
        sendStatus(exchange, 204);
      },
    ],
  ];
}
