import { isAbsolute, join } from 'node:path';
import { hasCode, messageOf, TscomposeError } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import type { EngineClient } from '../client/index.js';
import { subjectOf, type Operation, type OperationOf } from '../plan/index.js';
import type { Obstacle } from './conditions.js';
import { lastLinesOf } from './last-lines.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** Something needed a service to come to a state that it will not come to. */
    'execute/dependency-failed': {
      readonly service: string;
      readonly container: string;
      /** Undefined: the command itself waited. */
      readonly dependent: string | undefined;
      readonly obstacle: Obstacle;
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
      /** Of a build: its output, the latest last. */
      readonly lastLines: readonly string[];
    };
  }
}

const logLines = 10;

/** What to tell when a wait is in vain: who, why, its last words, and the line of the file that asked for it. */
export async function dependencyFailure(
  client: EngineClient,
  operation: OperationOf<'container.wait'>,
  container: { readonly id: string; readonly name: string },
  obstacle: Obstacle,
  signal: AbortSignal,
): Promise<TscomposeError<'execute/dependency-failed'>> {
  const { service, dependent, at } = operation;
  const lastLines = await lastLinesOf(client, container.id, logLines, signal);
  const consequence = dependent === undefined ? '' : `, so service "${dependent}" was not started`;
  const message = `service "${service}" ${explain(obstacle, operation.condition)}${consequence}`;
  return new TscomposeError({
    code: 'execute/dependency-failed',
    message: [message, ...details(container.name, obstacle, lastLines)].join('\n'),
    facts: {
      service,
      container: container.name,
      dependent,
      obstacle,
      exitCode: obstacle.kind === 'exited' ? obstacle.exitCode : undefined,
      lastLines,
    },
    hint: hintFor(obstacle, service),
    at,
  });
}

/** Says what was attempted; the engine's words stay its cause. Failures that say enough themselves are given back. */
export function operationFailure(
  project: string,
  operation: Operation,
  cause: unknown,
  context: { readonly lastLines: readonly string[]; readonly at: SourceLocation | undefined },
): unknown {
  if (hasCode(cause, 'execute/dependency-failed') || hasCode(cause, 'engine/unreachable')) return cause;
  if (!(cause instanceof TscomposeError)) return cause;
  const subject = subjectOf(project, operation);
  // Of a build only what the failed command itself said: the steps are in the progress already.
  const said = context.lastLines.filter((line) => !/^(Step \d+\/\d+ : | ---> )/.test(line));
  const output = said.map((line) => `  | ${line}`);
  return new TscomposeError({
    code: 'execute/operation-failed',
    message: [`cannot ${attempt(operation, subject)}: ${messageOf(cause)}`, ...output].join('\n'),
    facts: {
      operation: operation.kind,
      subject,
      service: serviceOf(operation),
      ...('image' in operation ? { image: operation.image } : {}),
      lastLines: context.lastLines,
    },
    hint: cause.hint,
    at: ownPlace(operation, cause.at) ?? context.at,
  });
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

function explain(obstacle: Obstacle, condition: OperationOf<'container.wait'>['condition']): string {
  switch (obstacle.kind) {
    case 'exited': {
      const when = { healthy: ' before it was healthy', ready: ' instead of staying up', completed: '' }[condition];
      return `exited with code ${obstacle.exitCode}${obstacle.oomKilled ? ' (out of memory)' : ''}${when}`;
    }
    case 'unhealthy':
      return 'is unhealthy';
    case 'no-health-check':
      return 'has no health check to wait for';
    case 'start-failed':
      return `did not start: ${obstacle.message}`;
  }
}

function details(name: string, obstacle: Obstacle, lastLines: readonly string[]): string[] {
  const probes = obstacle.kind === 'unhealthy' ? obstacle.probes.map((text) => `  probe: ${text}`) : [];
  return [...probes, ...lastLines.map((line) => `  ${name} | ${line}`)];
}

function hintFor(obstacle: Obstacle, service: string): string | undefined {
  switch (obstacle.kind) {
    case 'exited':
      return obstacle.oomKilled ? `raise the memory limit of "${service}"` : undefined;
    case 'no-health-check':
      return `give "${service}" a healthcheck, or wait for service_started`;
    case 'unhealthy':
    case 'start-failed':
      return undefined;
  }
}
