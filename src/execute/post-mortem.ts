import { existsSync } from 'node:fs';
import type { SourceLocation } from '../base/source-location.js';
import { isNotFound, type EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { buildGraph, dependenciesOf, startOrder } from '../graph/index.js';
import { diagnose, missingFile, missingImage, type Diagnosis } from './diagnosis.js';
import { gatherEvidence } from './evidence.js';
import { fieldOf, fileUse, wholeChain } from './failure-places.js';
import { observe } from './observe.js';

/** What is wrong with one container of a project, now. */
export interface Finding {
  readonly service: string;
  /** Undefined: the service has none. */
  readonly container: string | undefined;
  readonly diagnosis: Diagnosis;
  /** From a service nobody needs down to this one. */
  readonly chain: readonly string[];
  /** Of its log, the latest last. */
  readonly lastLines: readonly string[];
  readonly at: SourceLocation | undefined;
}

/**
 * Looks at every container of the services (all without names) and of what they need, and tells what is wrong, causes
 * before what suffers from them. Empty: nothing is.
 */
export async function postMortem(
  client: EngineClient,
  project: Project,
  services: readonly string[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const graph = buildGraph(project);
  const named = services.length === 0 ? undefined : [...services, ...dependenciesOf(graph, services)];
  const wanted = startOrder(graph, named).flat();
  const { containers } = await observe(client, project, signal, { images: false, networks: false, volumes: false });
  const found = await Promise.all(
    wanted.map(async (service) => {
      const own = containers.filter((container) => container.service === service && !container.oneOff);
      const chain = wholeChain(project, service);
      if (own.length === 0) {
        const diagnosis = (await obstacleOf(client, project, service, signal)) ?? notCreated(service);
        return [
          { service, container: undefined, diagnosis, chain, lastLines: [], at: fieldOf(project, service, diagnosis) },
        ];
      }
      const findings = await Promise.all(
        own.map(async ({ id, name }) => {
          const evidence = await gatherEvidence(client, id, signal);
          const diagnosis = diagnose(service, evidence);
          if (diagnosis === undefined) return [];
          const at = fieldOf(project, service, diagnosis) ?? project.locate(['services', service]);
          return [{ service, container: name, diagnosis, chain, lastLines: evidence.lastLines, at }];
        }),
      );
      return findings.flat();
    }),
  );
  return blame(project, found.flat(), (name) => graph.needs(name).map(({ to }) => to));
}

function notCreated(service: string): Diagnosis {
  const hint = `tscompose up -d ${service} creates and starts it`;
  return { kind: 'not-started', sentence: 'has no container', details: [], hint, field: [] };
}

/** What keeps a service from being created, as far as that can be seen without trying. */
async function obstacleOf(
  client: EngineClient,
  project: Project,
  service: string,
  signal: AbortSignal,
): Promise<Diagnosis | undefined> {
  const { image, build } = project.model.services[service] ?? {};
  if (image !== undefined && build === undefined) {
    try {
      await client.images.inspect(image, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return missingImage(service, image);
    }
  }
  if (!client.host.startsWith('unix:')) return undefined; // files elsewhere cannot be seen from here
  const file = filesOf(project, service).find((path) => !existsSync(path));
  return file === undefined ? undefined : missingFile(file, fileUse(project, service, file));
}

/** Files and folders of this machine that have to be there before a service is created. */
function filesOf({ model }: Project, service: string): string[] {
  const { volumes = [], secrets = [], configs = [] } = model.services[service] ?? {};
  const mounted = volumes
    .filter(({ type, bind }) => type === 'bind' && bind?.create_host_path !== true)
    .map(({ source }) => source);
  const given = [
    ...secrets.map(({ source }) => model.secrets?.[source]?.file),
    ...configs.map(({ source }) => model.configs?.[source]?.file),
  ];
  return [...mounted, ...given].filter((path) => path !== undefined);
}

/** A service that was not started because of another one says so, and where it says that it needs that one. */
function blame(
  project: Project,
  findings: readonly Finding[],
  needs: (service: string) => readonly string[],
): readonly Finding[] {
  const failing = new Set(findings.map(({ service }) => service));
  return findings.map((finding) => {
    if (finding.diagnosis.kind !== 'not-started') return finding;
    const causes = needs(finding.service).filter((name) => failing.has(name));
    if (causes.length === 0) return finding;
    const sentence = `was not started: it needs ${causes.map((name) => `"${name}"`).join(' and ')}`;
    const at = project.locate(['services', finding.service, 'depends_on', causes[0] ?? '']) ?? finding.at;
    return { ...finding, at, diagnosis: { ...finding.diagnosis, sentence } };
  });
}
