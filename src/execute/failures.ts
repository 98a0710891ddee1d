import { isAbsolute, join } from 'node:path';
import { hasCode, messageOf, TscomposeError } from '../base/errors.js';
import { renderLocation, type SourceLocation } from '../base/source-location.js';
import type { EngineClient } from '../client/index.js';
import type { Project } from '../compose/index.js';
import { buildGraph } from '../graph/index.js';
import { subjectOf, type Operation, type OperationOf, type WaitFor } from '../plan/index.js';
import type { Obstacle } from './conditions.js';
import { diagnose, diagnoseStart, type Diagnosis, type DiagnosisKind, type FileUse } from './diagnosis.js';
import { gatherEvidence } from './evidence.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** Something needed a service to come to a state that it will not come to. */
    'execute/dependency-failed': {
      readonly service: string;
      readonly container: string;
      /** Undefined: the command itself waited. */
      readonly dependent: string | undefined;
      /** From a service nobody needs down to this one. */
      readonly chain: readonly string[];
      readonly obstacle: Obstacle;
      readonly diagnosis: DiagnosisKind | undefined;
      readonly exitCode: number | undefined;
      /** Of its log, the latest last. */
      readonly lastLines: readonly string[];
    };
    /** The engine refused or failed one operation; the cause says why. */
    'execute/operation-failed': {
      readonly operation: Operation['kind'];
      readonly subject: string;
      readonly service: string | undefined;
      readonly image?: string;
      readonly diagnosis?: DiagnosisKind;
      /** Of a build: its output, the latest last. */
      readonly lastLines: readonly string[];
    };
  }
}

/** What places and chains are read from. */
export type FailureProject = Pick<Project, 'locate'> | Project | undefined;

/** What to tell when a wait is in vain: who, why, whom it keeps from starting, its last words, and the line to look at. */
export async function dependencyFailure(
  { client, project }: { readonly client: EngineClient; readonly project: FailureProject },
  operation: OperationOf<'container.wait'>,
  container: { readonly id: string; readonly name: string },
  obstacle: Obstacle,
  signal: AbortSignal,
): Promise<TscomposeError<'execute/dependency-failed'>> {
  const { service, dependent, at, condition, required } = operation;
  const evidence = await gatherEvidence(client, container.id, signal);
  const diagnosis = obstacle.kind === 'no-health-check' ? undefined : diagnose(service, evidence);
  const chain = chainTo(project, service, dependent);
  const consequence =
    dependent === undefined
      ? ''
      : required
        ? `, so service "${dependent}" was not started`
        : `, without which service "${dependent}" starts all the same`;
  const sentence = diagnosis === undefined ? explain(obstacle) : diagnosis.sentence;
  const message = `service "${service}" ${sentence}${tooSoon(obstacle, condition)}${consequence}`;
  const details = [
    ...chainLine(chain),
    ...(diagnosis?.details ?? []),
    ...logPart(container.name, diagnosis, evidence.lastLines),
  ];
  return new TscomposeError({
    code: 'execute/dependency-failed',
    message: [message, ...details.map((line) => `  ${line}`)].join('\n'),
    facts: {
      service,
      container: container.name,
      dependent,
      chain,
      obstacle,
      diagnosis: diagnosis?.kind,
      exitCode: obstacle.kind === 'exited' ? obstacle.exitCode : undefined,
      lastLines: evidence.lastLines,
    },
    hint: diagnosis?.hint ?? hintFor(obstacle, service),
    at: fieldOf(project, service, diagnosis) ?? at,
  });
}

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
function chainTo(project: FailureProject, service: string, dependent: string | undefined): readonly string[] {
  const chain = dependent === undefined ? [service] : [dependent, service];
  if (project === undefined || !('model' in project)) return chain;
  const graph = buildGraph(project);
  for (;;) {
    const [above] = graph.neededBy(chain[0] ?? service);
    if (above === undefined || dependent === undefined) return chain;
    chain.unshift(above.from);
  }
}

/** Says what was attempted; the engine's words stay its cause. Failures that say enough themselves are given back. */
export function operationFailure(
  project: string,
  operation: Operation,
  cause: unknown,
  context: {
    readonly lastLines: readonly string[];
    readonly at: SourceLocation | undefined;
    readonly project: FailureProject;
  },
): unknown {
  if (hasCode(cause, 'execute/dependency-failed') || hasCode(cause, 'engine/unreachable')) return cause;
  if (!(cause instanceof TscomposeError)) return cause;
  const subject = subjectOf(project, operation);
  // Of a build only what the failed command itself said: the steps are in the progress already.
  const said = context.lastLines.filter((line) => !/^(Step \d+\/\d+ : | ---> )/.test(line));
  const output = said.map((line) => `  | ${line}`);
  const service = serviceOf(operation);
  const diagnosis =
    isStart(operation) && service !== undefined
      ? diagnoseStart(service, messageOf(cause), (file) => fileUse(context.project, service, file))
      : undefined;
  const known = diagnosis !== undefined && diagnosis.kind !== 'start-refused' && diagnosis.kind !== 'port-taken';
  const what = known
    ? `service "${service ?? ''}" ${diagnosis.sentence}`
    : `cannot ${attempt(operation, subject)}: ${messageOf(cause)}`;
  const field = service === undefined ? undefined : fieldOf(context.project, service, diagnosis);
  const chain = isStart(operation) && service !== undefined ? wholeChain(context.project, service) : [];
  return new TscomposeError({
    code: 'execute/operation-failed',
    message: [what, ...chainLine(chain).map((line) => `  ${line}`), ...output].join('\n'),
    facts: {
      operation: operation.kind,
      subject,
      service,
      ...(diagnosis === undefined ? {} : { diagnosis: diagnosis.kind }),
      ...('image' in operation ? { image: operation.image } : {}),
      lastLines: context.lastLines,
    },
    hint: cause.hint ?? diagnosis?.hint,
    at: ownPlace(operation, cause.at) ?? field ?? context.at,
  });
}

/** As `chainTo`, over any one that needs the service. */
export function wholeChain(project: FailureProject, service: string): readonly string[] {
  if (project === undefined || !('model' in project)) return [service];
  return chainTo(project, service, buildGraph(project).neededBy(service)[0]?.from);
}

function isStart({ kind }: Operation): boolean {
  return kind === 'container.create' || kind === 'container.start' || kind === 'container.restart';
}

/** A place in a Dockerfile on this machine; undefined where the text is in the compose file or elsewhere. */
function ownPlace(operation: Operation, at: SourceLocation | undefined): SourceLocation | undefined {
  if (at === undefined || operation.kind !== 'image.build') return at;
  const { context, dockerfileInline } = operation.request;
  if (dockerfileInline !== undefined) return undefined;
  if (isAbsolute(at.file)) return at;
  return context === undefined || !isAbsolute(context) ? undefined : { ...at, file: join(context, at.file) };
}

export function serviceOf(operation: Operation): string | undefined {
  if ('service' in operation) return operation.service;
  if ('container' in operation) return operation.container.service;
  return 'services' in operation ? operation.services[0] : undefined;
}

function attempt(operation: Operation, subject: string): string {
  const [, verb = ''] = operation.kind.split('.');
  const service = serviceOf(operation);
  switch (operation.kind) {
    case 'image.build':
      return `build service "${operation.service}"`;
    case 'image.pull':
      return `pull image ${subject}`;
    case 'image.push':
      return `push image ${subject}`;
    case 'container.upload':
      return `put configs and secrets into service "${service ?? ''}"`;
    case 'network.connect':
    case 'network.disconnect':
      return `${verb} container ${operation.container.name} and network ${operation.network}`;
    case 'network.create':
    case 'network.remove':
      return `${verb} network ${subject}`;
    case 'volume.create':
    case 'volume.remove':
      return `${verb} volume ${subject}`;
    case 'image.remove':
      return `remove image ${subject}`;
    case 'provider.run':
      return `${operation.action === 'up' ? 'bring up' : operation.action === 'down' ? 'take down' : 'stop'} service "${operation.service}" with its provider "${operation.type}"`;
    case 'model.provide':
      return `provide model "${operation.key}" (${operation.model})`;
    case 'container.create':
      return `create service "${operation.service}" (container ${operation.finalName})`;
    case 'container.exec':
      return `run ${operation.name} of service "${service ?? ''}" (container ${operation.container.name})`;
    case 'container.wait':
      return `wait for service "${operation.service}"`;
    default:
      return `${verb} service "${service ?? ''}" (container ${operation.container.name})`;
  }
}

function explain(obstacle: Obstacle): string {
  switch (obstacle.kind) {
    case 'exited':
      return `exited with code ${obstacle.exitCode}`;
    case 'unhealthy':
      return 'is unhealthy';
    case 'no-health-check':
      return 'has no health check to wait for';
    case 'start-failed':
      return `did not start: ${obstacle.message}`;
  }
}

function tooSoon(obstacle: Obstacle, condition: WaitFor): string {
  if (obstacle.kind !== 'exited') return '';
  return { healthy: ' before it was healthy', ready: ' instead of staying up', settled: '', completed: '' }[condition];
}

function hintFor(obstacle: Obstacle, service: string): string | undefined {
  return obstacle.kind === 'no-health-check'
    ? `give "${service}" a healthcheck, or wait for service_started`
    : undefined;
}
