import { TscomposeError } from '../base/errors.js';
import type { EngineClient } from '../client/index.js';
import type { OperationOf, WaitFor } from '../plan/index.js';
import type { Obstacle } from './conditions.js';
import { diagnose, type DiagnosisKind } from './diagnosis.js';
import { gatherEvidence } from './evidence.js';
import { chainLine, chainTo, fieldOf, logPart, type FailureProject } from './failure-places.js';

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
  }
}

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
