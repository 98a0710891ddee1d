import type { Ulimit } from '../api/container.js';
import type { Build, Project, Service } from '../compose/index.js';
import { imageLabels } from './labels.js';
import { imageOf } from './names.js';
import { integer } from './units.js';

/** A build, as the Engine API's classic builder takes it. */
export interface BuildRequest {
  /** Absolute path of a directory, or a URL that the engine fetches; undefined: no context. */
  readonly context: string | undefined;
  readonly dockerfile: string | undefined;
  /** Text of the Dockerfile, in place of `dockerfile`. */
  readonly dockerfileInline: string | undefined;
  /** The image's name first. */
  readonly tags: readonly string[];
  readonly args: Readonly<Record<string, string | null>>;
  readonly target: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly networkMode: string | undefined;
  readonly platform: string | undefined;
  readonly extraHosts: readonly string[];
  readonly cacheFrom: readonly string[];
  readonly shmSize: number | undefined;
  readonly isolation: string | undefined;
  readonly ulimits: readonly Ulimit[];
}

export interface BuildOverrides {
  /** Of `--build-arg`; they win over the file's. */
  readonly args?: Readonly<Record<string, string | null>>;
  readonly noCache?: boolean;
  readonly pull?: boolean;
}

export function buildRequest(
  project: Project,
  service: string,
  definition: Service,
  build: Build,
  overrides: BuildOverrides = {},
): BuildRequest {
  return {
    context: build.context,
    dockerfile: build.dockerfile,
    dockerfileInline: build.dockerfile_inline,
    tags: [...new Set([imageOf(project, service, definition), ...(build.tags ?? [])])],
    args: { ...build.args, ...overrides.args },
    target: build.target === '' ? undefined : build.target,
    labels: imageLabels(project.name, service, build.labels),
    noCache: overrides.noCache ?? build.no_cache ?? false,
    pull: overrides.pull ?? build.pull ?? false,
    networkMode: build.network,
    platform: definition.platform ?? build.platforms?.[0],
    extraHosts: (build.extra_hosts ?? []).map((text) => text.replace('=', ':')),
    cacheFrom: build.cache_from ?? [],
    shmSize: integer(build.shm_size),
    isolation: build.isolation,
    ulimits: Object.entries(build.ulimits ?? {}).map(([name, value]) =>
      typeof value === 'number'
        ? { Name: name, Soft: value, Hard: value }
        : { Name: name, Soft: value.soft, Hard: value.hard },
    ),
  };
}
