import type { Project, Service } from '../compose/index.js';
import { buildGraph } from '../graph/index.js';
import { buildsBefore, inBuildOrder } from './build-order.js';
import { buildRequest, type BuildOverrides } from './build-request.js';
import { platformFits, warnOfSbom } from './images.js';
import { imageOf } from './names.js';
import type { ObservedState } from './observed-state.js';
import type { Plan } from './operation.js';
import { PlanBuilder } from './plan-builder.js';
import { selectForStart } from './select.js';

interface ImageTarget {
  /** Absent or empty: all services. */
  readonly services?: readonly string[];
  /** What they need as well. */
  readonly withDependencies?: boolean;
}

export interface PullOptions extends ImageTarget {
  /** In place of each service's own policy. */
  readonly policy?: 'always' | 'missing';
  /** Leaves out what can be built. */
  readonly ignoreBuildable?: boolean;
  /** A pull that fails is a warning. */
  readonly ignoreFailures?: boolean;
}

/** Builds the images of services that have a `build`, whatever is there already. */
export function planBuild(project: Project, options: ImageTarget & BuildOverrides = {}): Plan {
  const builder = new PlanBuilder(project.name);
  const graph = buildGraph(project);
  const steps = new Map<string, number>();
  const asked = selected(project, options).map(([service]) => service);
  for (const { service, definition, build } of inBuildOrder(project, asked)) {
    const request = buildRequest(project, service, definition, build, { platforms: 'every', ...options });
    warnOfSbom(builder, project, service, build);
    const image = imageOf(project, service, definition);
    const cause = asked.includes(service) ? 'asked to build' : 'another build starts from it';
    const before = buildsBefore(graph, service, build, steps);
    steps.set(service, builder.add('image.build', cause, { image, service, request }, before));
  }
  return builder.build();
}

/**
 * Pulls each image once, whether or not it is there, as far as the policies of the services let it. That of a service
 * that can be built may fail.
 */
export function planPull(project: Project, observed: ObservedState, options: PullOptions = {}): Plan {
  const builder = new PlanBuilder(project.name);
  const users = new Map<string, [string, Service][]>();
  for (const [service, definition] of selected(project, options)) {
    const image = pulledImage(definition, observed, options);
    if (image !== undefined) users.set(image, [...(users.get(image) ?? []), [service, definition]]);
    // Hooks run in images of their own.
    for (const hook of definition.pre_start ?? []) {
      if (hook.image !== undefined && !users.has(hook.image)) users.set(hook.image, [[service, {}]]);
    }
  }
  for (const [image, services] of users) {
    builder.add('image.pull', options.policy === undefined ? 'asked to pull' : `pull policy is ${options.policy}`, {
      image,
      services: services.map(([service]) => service),
      platform: services.map(([, { platform }]) => platform).find((platform) => platform !== undefined),
      optional: options.ignoreFailures === true || services.some(([, { build }]) => build !== undefined),
    });
  }
  return builder.build();
}

/** Undefined: this service's image is not to be pulled. */
function pulledImage(definition: Service, observed: ObservedState, options: PullOptions): string | undefined {
  const { image, build, pull_policy: own, platform } = definition;
  if (image === undefined || definition.provider !== undefined) return undefined;
  if (build !== undefined && options.ignoreBuildable === true) return undefined;
  const found = observed.images[image];
  const present = found !== undefined && platformFits(platform, found.platform);
  switch (options.policy ?? own) {
    case 'never':
    case 'build':
      return undefined;
    case 'missing':
    case 'if_not_present':
      return present && !isLatest(image) ? undefined : image;
    default:
      return image;
  }
}

function isLatest(image: string): boolean {
  const [, tag = 'latest'] = /:([^:/@]+)$/.exec(image) ?? [];
  return tag === 'latest' && !image.includes('@');
}

/** Pushes the images of services that have both a `build` and an `image`, under all their tags. */
export function planPush(project: Project, options: ImageTarget & { readonly ignoreFailures?: boolean } = {}): Plan {
  const builder = new PlanBuilder(project.name);
  const pushed = new Set<string>();
  for (const [service, { build, image }] of selected(project, options)) {
    if (build === undefined || image === undefined) continue;
    for (const tag of [image, ...(build.tags ?? [])]) {
      if (pushed.has(tag)) continue;
      pushed.add(tag);
      builder.add('image.push', 'asked to push', { image: tag, service, optional: options.ignoreFailures === true });
    }
  }
  return builder.build();
}

function selected(project: Project, { services, withDependencies = false }: ImageTarget): [string, Service][] {
  const named = services === undefined || services.length === 0 ? {} : { services };
  const selection = selectForStart(project, buildGraph(project), { ...named, noDeps: !withDependencies });
  return selection.services.flatMap((service): [string, Service][] => {
    const definition = project.model.services[service];
    return definition === undefined ? [] : [[service, definition]];
  });
}
