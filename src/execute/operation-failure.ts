import { isAbsolute, join } from 'node:path';
import { hasCode, messageOf, TscomposeError } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import { subjectOf, type Operation } from '../plan/index.js';
import { diagnoseStart, type DiagnosisKind } from './diagnosis.js';
import { chainLine, fieldOf, fileUse, wholeChain, type FailureProject } from './failure-places.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
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
  const said = context.lastLines.filter((line) => !/^(Step \d+\/\d+ : | ---> |#\d+ )/.test(line));
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
