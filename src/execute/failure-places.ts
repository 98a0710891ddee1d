import { renderLocation, type SourceLocation } from '../base/source-location.js';
import type { Project } from '../compose/index.js';
import { buildGraph } from '../graph/index.js';
import type { Diagnosis, FileUse } from './diagnosis.js';

/** What places and chains are read from. */
export type FailureProject = Pick<Project, 'locate'> | Project | undefined;

/** The attribute a diagnosis points at, where the user's files have it. */
export function fieldOf(
  project: FailureProject,
  service: string,
  diagnosis: Diagnosis | undefined,
): SourceLocation | undefined {
  if (project === undefined || diagnosis === undefined || diagnosis.field.length === 0) return undefined;
  if (diagnosis.elsewhere !== undefined) return project.locate(diagnosis.elsewhere);
  const own = project.locate(['services', service]);
  const at = project.locate(['services', service, ...diagnosis.field]);
  // An attribute that is nowhere in the files is located at the service.
  return own !== undefined && at !== undefined && renderLocation(own) === renderLocation(at) ? undefined : at;
}

/** The secret or config of a service that a file of this machine is for. */
export function fileUse(project: FailureProject, service: string, file: string): FileUse | undefined {
  if (project === undefined || !('model' in project)) return undefined;
  const { services, secrets = {}, configs = {} } = project.model;
  const secret = services[service]?.secrets?.find(({ source }) => secrets[source]?.file === file);
  if (secret !== undefined) return { kind: 'secret', name: secret.source };
  const config = services[service]?.configs?.find(({ source }) => configs[source]?.file === file);
  return config === undefined ? undefined : { kind: 'config', name: config.source };
}

/** Who goes without, for people. */
export function chainLine(chain: readonly string[]): readonly string[] {
  return chain.length > 1 ? [`chain: ${chain.join(' → ')}`] : [];
}

/** The end of a log; of a program that ended without a word, that. */
export function logPart(
  container: string,
  diagnosis: Diagnosis | undefined,
  lastLines: readonly string[],
): readonly string[] {
  if (lastLines.length === 0 && diagnosis?.kind === 'exit-code') return [`${container} wrote nothing to its log`];
  return lastLines.map((line) => `${container} | ${line}`);
}

/** From a service nobody else needs, over the one that waits, to the one that failed: who goes without. */
export function chainTo(project: FailureProject, service: string, dependent: string | undefined): readonly string[] {
  const chain = dependent === undefined ? [service] : [dependent, service];
  if (project === undefined || !('model' in project)) return chain;
  const graph = buildGraph(project);
  for (;;) {
    const [above] = graph.neededBy(chain[0] ?? service);
    if (above === undefined || dependent === undefined) return chain;
    chain.unshift(above.from);
  }
}

/** As `chainTo`, over any one that needs the service. */
export function wholeChain(project: FailureProject, service: string): readonly string[] {
  if (project === undefined || !('model' in project)) return [service];
  return chainTo(project, service, buildGraph(project).neededBy(service)[0]?.from);
}
