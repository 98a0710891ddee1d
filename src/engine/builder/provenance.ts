import { randomUUID } from 'node:crypto';
import { TscomposeError } from '../../base/errors.js';
import { hexOf } from '../../base/digest.js';
import { withoutCredentials } from '../../base/url-credentials.js';
import { hostPlatform, parseReference, platformText, withDefaultTag } from '../../registry/index.js';
import type { Image, Statement } from '../images/index.js';
import type { PlannedStep } from './plan/planned-step.js';
import type { BuildRequest, ProvenanceMode } from './request.js';
import type { Operation, Solved } from './solver/operation.js';

const predicateType = 'https://slsa.dev/provenance/v0.2';
/** What `parameters` and `buildConfig` below mean. */
const buildType = 'urn:tscompose:build:v1';

/**
 * Reads `--provenance` as buildx has it: a yes or no, or `mode=max,…`.
 * @returns undefined: nothing is to be said
 * @throws `build/bad-attestation`
 */
export function provenanceMode(text: string | undefined): ProvenanceMode | undefined {
  if (text === undefined || ['', 'false', '0'].includes(text)) return undefined;
  const fields = new Map(text.split(',').map((field) => [field.split('=')[0] ?? '', field.split('=')[1] ?? '']));
  if (['true', '1'].includes(fields.get('disabled') ?? '')) return undefined;
  const mode = fields.get('mode') ?? 'min';
  if (mode === 'min' || mode === 'max') return mode;
  throw new TscomposeError({
    code: 'build/bad-attestation',
    message: `invalid provenance ${JSON.stringify(text)}: its mode is min or max`,
    facts: { value: text },
  });
}

export interface BuildFacts {
  readonly mode: ProvenanceMode;
  readonly request: BuildRequest;
  /** As `linux/arm64`. */
  readonly platform: string;
  /** Name of the Dockerfile. */
  readonly entryPoint: string;
  /** By the names that the Dockerfile has them by. */
  readonly bases: ReadonlyMap<string, Image>;
  readonly steps: readonly PlannedStep[];
  readonly outcomeOf: (operation: Operation) => Solved;
  readonly started: Date;
  readonly finished: Date;
}

/** How an image came about (SLSA provenance v0.2). Secrets are not in it: their values are known to steps alone. */
export function provenanceOf(facts: BuildFacts): Statement {
  const { mode, request, platform, entryPoint, started, finished } = facts;
  const predicate = {
    builder: { id: '' },
    buildType,
    materials: materialsOf(facts),
    invocation: {
      configSource: { entryPoint, ...sourceOf(request) },
      parameters: {
        frontend: 'dockerfile.v0',
        ...(request.target === undefined ? {} : { target: request.target }),
        ...(mode === 'max' ? { args: request.args, labels: request.labels } : {}),
        ...(request.noCache ? { noCache: true } : {}),
        secrets: idsOf(request.secrets),
        ssh: idsOf(request.ssh),
      },
      environment: { platform: platformText(hostPlatform()), target: platform },
    },
    ...(mode === 'max' ? { buildConfig: { steps: stepsOf(facts) } } : {}),
    metadata: {
      buildInvocationID: randomUUID(),
      buildStartedOn: started.toISOString(),
      buildFinishedOn: finished.toISOString(),
      completeness: { parameters: mode === 'max', environment: true, materials: false }, // not the context's files
      reproducible: false,
    },
  };
  return { predicateType, predicate };
}

/** Images by what a registry has them under; by their id where none has. */
function materialsOf({ bases, platform, request }: BuildFacts): object[] {
  const images = [...bases].sort(([one], [other]) => (one < other ? -1 : 1));
  const source = sourceOf(request);
  return [
    ...images.map(([name, image]) => {
      const reference =
        image.repoDigests.length > 0 || image.tags.length > 0 ? withDefaultTag(parseReference(name)) : undefined;
      const origin = image.origins.find(({ repository }) => repository === reference?.repository);
      const digest = origin?.digests[0] ?? image.id;
      const version = reference?.tag === undefined ? '' : `@${reference.tag}`;
      const uri = `pkg:docker/${reference?.familiarRepository ?? name}${version}?platform=${encodeURIComponent(platform)}`;
      return { uri, digest: { sha256: hexOf(digest) } };
    }),
    ...(source.uri === undefined ? [] : [source]),
  ];
}

/** Where the context comes from, unless it is a folder of somebody. */
function sourceOf({ context }: BuildRequest): { readonly uri?: string } {
  return context.kind === 'git' || context.kind === 'url' ? { uri: withoutCredentials(context.url) } : {};
}

/** Names alone; where they are asked for one by one nobody knows them before. */
function idsOf(given: BuildRequest['secrets'] | BuildRequest['ssh']): string[] {
  return typeof given === 'object' ? Object.keys(given).sort() : [];
}

function stepsOf({ steps, outcomeOf }: BuildFacts): object[] {
  return steps.map((step) => {
    const { source, key } = outcomeOf(step.operation);
    return {
      stage: step.stage,
      instruction: withoutCredentials(step.instruction.text),
      line: step.instruction.at.line,
      cached: source === 'cache',
      ...(key === undefined ? {} : { key }),
    };
  });
}
