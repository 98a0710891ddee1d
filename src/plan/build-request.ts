import { resolve } from 'node:path';
import type { Ulimit } from '../api/container.js';
import type { PinnedBases } from '../api/tscompose.js';
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
  /** None: the engine's own. */
  readonly platforms: readonly string[];
  readonly extraHosts: readonly string[];
  /** Paths in them are absolute. */
  readonly cacheFrom: readonly string[];
  readonly cacheTo: readonly string[];
  readonly shmSize: number | undefined;
  readonly isolation: string | undefined;
  readonly ulimits: readonly Ulimit[];
  readonly secrets: Readonly<Record<string, BuildSecret>>;
  /** Sockets of ssh agents by id; null: the one of `SSH_AUTH_SOCK`, which names none. */
  readonly ssh: Readonly<Record<string, string | null>>;
  /** Absolute paths, URLs and `docker-image://reference` by name. */
  readonly additionalContexts: Readonly<Record<string, string>>;
  readonly entitlements: readonly string[];
  /** What is to be said of the image's making, as `--provenance` has it. */
  readonly provenance: string | undefined;
  /** Of a lock file. */
  readonly bases: PinnedBases | undefined;
}

/** Its value is read when the build starts. */
export type BuildSecret =
  | { readonly file: string }
  /** `text` is what the variable held when the project was loaded. */
  | { readonly variable: string; readonly text: string };

export interface BuildOverrides {
  /** Of `--build-arg`; they win over the file's. */
  readonly args?: Readonly<Record<string, string | null>>;
  /** Of `--ssh`; they win over the file's. null: the one of `SSH_AUTH_SOCK`. */
  readonly ssh?: Readonly<Record<string, string | null>>;
  readonly noCache?: boolean;
  readonly pull?: boolean;
  /** Of `--provenance`; it wins over the file's. */
  readonly provenance?: string;
  /** `every`: all that the file names, for an image to share; else the one that the service runs on. */
  readonly platforms?: 'every' | 'own';
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
    platforms: platformsOf(definition, build, overrides.platforms ?? 'own'),
    extraHosts: (build.extra_hosts ?? []).map((text) => text.replace('=', ':')),
    cacheFrom: (build.cache_from ?? []).map((text) => withAbsolutePath(project, text)),
    cacheTo: (build.cache_to ?? []).map((text) => withAbsolutePath(project, text)),
    shmSize: integer(build.shm_size),
    isolation: build.isolation,
    ulimits: Object.entries(build.ulimits ?? {}).map(([name, value]) =>
      typeof value === 'number'
        ? { Name: name, Soft: value, Hard: value }
        : { Name: name, Soft: value.soft, Hard: value.hard },
    ),
    secrets: buildSecrets(project, build),
    ssh: agentSockets(project, { ...Object.fromEntries((build.ssh ?? []).map(agentOf)), ...overrides.ssh }),
    additionalContexts: Object.fromEntries(
      Object.entries(build.additional_contexts ?? {}).map(([name, text]) => [name, contextOf(project, text)]),
    ),
    provenance: wantedAttestation(overrides.provenance ?? build.provenance),
    bases: project.pinnedBases?.[service],
    entitlements: [...(build.entitlements ?? []), ...(build.privileged === true ? ['security.insecure'] : [])],
  };
}

/** What is asked for by `provenance` or `sbom`; undefined for none. */
export function wantedAttestation(text: string | undefined): string | undefined {
  return text === undefined || ['', 'false', '0'].includes(text) ? undefined : text;
}

/** To run a service takes one platform: its own, or the only one it can be built for, else the engine decides. */
function platformsOf({ platform }: Service, { platforms = [] }: Build, which: 'every' | 'own'): readonly string[] {
  if (which === 'every' && platforms.length > 0) return platforms;
  if (platform !== undefined) return [platform];
  return platforms.length === 1 ? platforms : [];
}

/** `type=local,src=cache`: the folder is one of the project. */
function withAbsolutePath({ workingDir }: Project, text: string): string {
  return text.replace(/(^|,)(src|dest)=([^,]*)/g, (_, before: string, name: string, path: string) => {
    return `${before}${name}=${resolve(workingDir, path)}`;
  });
}

/** A variable that is not set gives no secret, and the step that needs it says so. */
function buildSecrets({ model, environment }: Project, build: Build): Record<string, BuildSecret> {
  return Object.fromEntries(
    (build.secrets ?? []).flatMap(({ source, target = source }): (readonly [string, BuildSecret])[] => {
      const { file, environment: variable = '' } = model.secrets?.[source] ?? {};
      if (file !== undefined) return [[target, { file }]];
      const text = environment[variable];
      return text === undefined ? [] : [[target, { variable, text }]];
    }),
  );
}

/** `id`, `id: socket`. */
function agentOf(text: string): readonly [string, string | null] {
  const colon = text.indexOf(': ');
  return colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 2)];
}

function agentSockets({ environment }: Project, agents: BuildRequest['ssh']): BuildRequest['ssh'] {
  const own = environment['SSH_AUTH_SOCK'] || null;
  return Object.fromEntries(Object.entries(agents).map(([id, socket]) => [id, socket ?? own]));
}

const servicePrefix = 'service:';

function contextOf(project: Project, text: string): string {
  if (!text.startsWith(servicePrefix)) return text;
  const service = text.slice(servicePrefix.length);
  const definition = project.model.services[service];
  return definition === undefined ? text : `docker-image://${imageOf(project, service, definition)}`;
}

/** Services whose images a build names as contexts. */
export function contextServices({ additional_contexts: contexts = {} }: Build): string[] {
  return Object.values(contexts)
    .filter((text) => text.startsWith(servicePrefix))
    .map((text) => text.slice(servicePrefix.length));
}
