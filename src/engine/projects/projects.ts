import type { ProjectGraph, ServiceNode } from '../../api/tscompose.js';
import type { Log } from '../../base/log.js';
import { openRecords } from '../store/index.js';
import { parseGraph } from './parse-graph.js';

const schema = 1;

/** The graphs of the projects whose containers this engine has. */
export interface Projects {
  get(name: string): ProjectGraph | undefined;
  node(project: string, service: string): ServiceNode | undefined;
  /** Sorted by name. */
  list(): readonly ProjectGraph[];
  /** Nothing is written when it is what is there already. @returns whether it was another one */
  put(graph: ProjectGraph): Promise<boolean>;
  /** Idempotent. */
  delete(name: string): Promise<void>;
}

/** @param dir - `<data root>/projects` */
export async function openProjects({ dir, log }: { readonly dir: string; readonly log: Log }): Promise<Projects> {
  const records = await openRecords({ dir, schema, parse: parseGraph, log });
  return {
    get: (name) => records.get(name),
    node: (project, service) => {
      const services = records.get(project)?.services;
      return services !== undefined && Object.hasOwn(services, service) ? services[service] : undefined;
    },
    list: () => records.list(),
    put: async (graph) => {
      if (JSON.stringify(records.get(graph.name)) === JSON.stringify(graph)) return false;
      await records.put(graph.name, graph);
      return true;
    },
    delete: async (name) => {
      if (records.get(name) !== undefined) await records.delete(name);
    },
  };
}
