import { hasCode, TscomposeError } from '../base/errors.js';
import type { Build, Project, Service } from '../compose/index.js';
import type { ServiceGraph } from '../graph/index.js';
import { buildsBefore, inBuildOrder } from './build-order.js';
import { buildRequest, contextServices, wantedAttestation } from './build-request.js';
import { hookImages } from './hooks.js';
import { imageOf } from './names.js';
import type { ObservedState } from './observed-state.js';
import type { PlanBuilder } from './plan-builder.js';
import { throwAll } from './problems.js';
import { pullPeriodS } from './pull-period.js';
import type { Fetched, UpOptions } from './up-options.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** The image is not there and the options or policies forbid to get it. */
    'plan/image-missing': { readonly service: string; readonly image: string };
  }
}

export interface PlannedImages {
  /** Step that brings the image of a service. */
  readonly stepOf: ReadonlyMap<string, number>;
  /** Steps that bring images which only hooks use, by reference. */
  readonly hookSteps: ReadonlyMap<string, number>;
  /** References that this plan tries to get, by either way. */
  readonly fetched: Fetched;
  /** A pull that may fail, and what to do then is for the next plan. */
  readonly uncertain: boolean;
}

interface Decision {
  readonly get: 'pull' | 'build';
  readonly cause: string;
  /** Only the build is left if the pull fails, and it needs no image of another service. */
  readonly elseBuild?: boolean;
}

/**
 * Builds and pulls that the selected services need, one step for each image.
 * @throws `plan/image-missing`, `problems/several`
 */
export function planImages(
  builder: PlanBuilder,
  project: Project,
  graph: ServiceGraph,
  services: readonly string[],
  observed: ObservedState,
  options: UpOptions,
): PlannedImages {
  const byImage = new Map<string, string[]>();
  for (const service of withContexts(project, services, observed, options)) {
    if (definitionOf(project, service).provider !== undefined) continue;
    const image = imageOf(project, service, definitionOf(project, service));
    byImage.set(image, [...(byImage.get(image) ?? []), service]);
  }
  const stepOf = new Map<string, number>();
  const builds = new Map<string, number>();
  const fetched = { pulled: [] as string[], built: [] as string[] };
  const problems: TscomposeError[] = [];
  let uncertain = false;
  for (const [image, users] of byImage) {
    const decisions = users.map((service) => {
      try {
        return decide(project, service, observed, options);
      } catch (error) {
        if (!hasCode(error, 'plan/image-missing')) throw error;
        problems.push(error);
        return undefined;
      }
    });
    const addBuild = (service: string, cause: string, insteadOf?: number): void => {
      const definition = definitionOf(project, service);
      if (definition.build === undefined) return;
      const request = buildRequest(project, service, definition, definition.build);
      warnOfSbom(builder, project, service, definition.build);
      const before = buildsBefore(graph, service, definition.build, builds);
      const instead = insteadOf === undefined ? {} : { insteadOf };
      const after = [...before, ...Object.values(instead)];
      const step = builder.add('image.build', cause, { image, service, request, ...instead }, after);
      for (const user of users) {
        stepOf.set(user, step);
        builds.set(user, step);
      }
      fetched.built.push(image);
    };
    const build = users.find((_, index) => decisions[index]?.get === 'build');
    const pull = decisions.find((decision) => decision?.get === 'pull');
    if (build !== undefined && pull === undefined) {
      addBuild(build, decisions.find((decision) => decision?.get === 'build')?.cause ?? '');
    } else if (pull !== undefined) {
      const optional = users.some((service) => definitionOf(project, service).build !== undefined);
      const platform = users
        .map((service) => definitionOf(project, service).platform)
        .find((text) => text !== undefined);
      const step = builder.add('image.pull', pull.cause, { image, services: users, platform, optional });
      for (const user of users) stepOf.set(user, step);
      fetched.pulled.push(image);
      const fallback = users.find((_, index) => decisions[index]?.elseBuild === true);
      if (fallback !== undefined) addBuild(fallback, 'in case it cannot be pulled', step);
      else uncertain ||= optional;
    }
  }
  const hookSteps = new Map<string, number>();
  for (const service of services) {
    for (const image of hookImages(definitionOf(project, service))) {
      if (observed.images[image] !== undefined || hookSteps.has(image) || byImage.has(image)) continue;
      const facts = { image, services: [service], platform: undefined, optional: false };
      hookSteps.set(image, builder.add('image.pull', 'image of a hook is not there', facts));
    }
  }
  throwAll(problems);
  return { stepOf, hookSteps, fetched, uncertain };
}

function definitionOf(project: Project, service: string): Service {
  const definition = project.model.services[service];
  if (definition === undefined) throw new Error(`bug: the project has no service ${service}`);
  return definition;
}

/** The services, those first whose images a build that is due starts from, whether they were selected or not. */
function withContexts(
  project: Project,
  services: readonly string[],
  observed: ObservedState,
  options: UpOptions,
): readonly string[] {
  const due = services.filter((service) => {
    const { build } = definitionOf(project, service);
    if (build === undefined || contextServices(build).length === 0) return false;
    try {
      return decide(project, service, observed, options)?.get === 'build';
    } catch (error) {
      if (!hasCode(error, 'plan/image-missing')) throw error;
      return false; // told where the service itself is looked at
    }
  });
  return [...new Set([...inBuildOrder(project, due).map(({ service }) => service), ...services])];
}

/** Undefined: the image is there and good. */
function decide(project: Project, service: string, observed: ObservedState, options: UpOptions): Decision | undefined {
  const definition = definitionOf(project, service);
  const image = imageOf(project, service, definition);
  const found = observed.images[image];
  const present = found !== undefined && platformFits(definition.platform, found.platform);
  const policy = options.pull ?? definition.pull_policy ?? 'missing';
  const tried = options.fetched?.pulled.includes(image) === true;
  if (options.fetched?.built.includes(image) === true && present) return undefined;
  const { build } = definition;
  const mayBuild = build !== undefined && options.build !== 'never';
  if (mayBuild && !tried) {
    if (options.build === 'always') return { get: 'build', cause: 'asked to build' };
    if (definition.pull_policy === 'build' && options.pull === undefined)
      return { get: 'build', cause: 'pull_policy is build' };
  }
  const elseBuild = mayBuild && !present && contextServices(build).length === 0;
  const pullable = definition.image !== undefined && !tried;
  const ageS = (options.nowS ?? 0) - (found?.taggedS ?? 0);
  const due = present && ageS > (pullPeriodS(policy) ?? Infinity);
  if (pullable && (isEager(policy) || due)) return { get: 'pull', cause: `pull policy is ${policy}`, elseBuild };
  if (present) return undefined;
  const cause = found === undefined ? 'image is not there' : `image is for ${found.platform}`;
  if (pullable && policy !== 'never' && policy !== 'build') return { get: 'pull', cause, elseBuild };
  if (mayBuild) return { get: 'build', cause };
  throw new TscomposeError({
    code: 'plan/image-missing',
    message: `image "${image}" of service "${service}" is not there`,
    facts: { service, image },
    hint: image.startsWith('sha256:')
      ? 'an id names an image of one machine: load it from there, or push it to a registry and run tscompose lock'
      : definition.build === undefined
        ? 'pull it, or give the service a pull_policy that allows to'
        : 'build it, or leave --no-build out',
    at: project.locate(['services', service, definition.image === undefined ? 'build' : 'image']),
  });
}

/** Policies that ask the registry even when the image is there. */
function isEager(policy: string): boolean {
  return policy === 'always' || policy === 'refresh';
}

/** Said rather than refused: what the image does is the same. */
export function warnOfSbom(builder: PlanBuilder, project: Project, service: string, { sbom }: Build): void {
  if (wantedAttestation(sbom) === undefined) return;
  const at = project.locate(['services', service, 'build', 'sbom']);
  builder.warn(`Service ${service}`, 'is built without an SBOM: the builder has no scanner of packages', at);
}

export function platformFits(wanted: string | undefined, found: string): boolean {
  return wanted === undefined || found === wanted || found.startsWith(`${wanted}/`) || wanted.startsWith(`${found}/`);
}
