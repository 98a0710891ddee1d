import type { Duplex, Readable } from 'node:stream';
import type { Ulimit } from '../../api/container.js';
import type { LintReport, PinnedBases } from '../../api/tscompose.js';
import type { ProgressMessage, RegistryAuth } from '../../api/image.js';
import type { Digest } from '../../base/digest.js';
import type { IgnoreRules } from '../../base/ignore-rules.js';
import type { Statement } from '../images/index.js';
import type { ChainId } from '../snapshots/index.js';

export type BuildContext =
  /** Read in place, never copied as a whole. Give only what the requester may read. */
  | LocalDirectory
  /** As the docker CLI sends it; gzip, bzip2, xz and zstd are found by looking. */
  | { readonly kind: 'tar'; readonly stream: Readable }
  /** `https://host/repo.git#ref:folder` and its like, fetched with the engine's git. */
  | { readonly kind: 'git'; readonly url: string }
  /** A file over HTTP: an archive, or a Dockerfile without a context. */
  | { readonly kind: 'url'; readonly url: string }
  /** Taken when it is known what of it the build needs, if it needs any. The Dockerfile must be a text. */
  | {
      readonly kind: 'deferred';
      /** Rules of its ignore file. */
      readonly ignore: IgnoreRules;
      /** @param paths - with wildcards of COPY's. @returns a directory with these at least, without what is ignored */
      readonly take: (paths: readonly string[] | 'all') => Promise<string>;
    };

export interface LocalDirectory {
  readonly kind: 'directory';
  readonly path: string;
  /** What is ignored has been left out already: ignore files in it are files like others. */
  readonly filtered?: boolean;
}

/** What a build was given under an id; undefined where it was given nothing. Asked when a step needs it. */
export type Lookup<T> = (id: string, signal: AbortSignal) => Promise<T | undefined>;

export type DockerfileSource =
  /** Relative to the context. `..` and links do not lead out of it. */
  | { readonly kind: 'in-context'; readonly path: string }
  /** An absolute path outside a directory context. */
  | { readonly kind: 'file'; readonly path: string }
  /** `name` is for messages. */
  | { readonly kind: 'text'; readonly text: string; readonly name: string };

export type BuildNetwork = 'bridge' | 'none' | 'host';

/** How much is said of a build: `max` with its arguments and steps, which may tell what is not for everyone. */
export type ProvenanceMode = 'min' | 'max';

export interface BuildRequest {
  readonly context: BuildContext;
  readonly dockerfile: DockerfileSource;
  /** Image names; each gets `:latest` where it has no tag. */
  readonly tags: readonly string[];
  /** null: declared without a value, which leaves the Dockerfile's default. */
  readonly args: Readonly<Record<string, string | null>>;
  readonly target?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  /** Asks the registry for base images even where they are here. */
  readonly pull: boolean;
  readonly networkMode: BuildNetwork;
  /** `os/arch[/variant]` each, to build for; none: this machine's. */
  readonly platforms?: readonly string[];
  /** Lines for /etc/hosts of RUN steps, `name:address`. */
  readonly extraHosts?: readonly string[];
  readonly shmSizeBytes?: number;
  /** For `RUN --mount=type=secret`; never in a layer, the cache or the log. */
  readonly secrets?: Readonly<Record<string, Uint8Array>> | Lookup<Uint8Array>;
  /** Sockets of ssh agents by id, or what connects to one, for `RUN --mount=type=ssh`. */
  readonly ssh?: Readonly<Record<string, string>> | Lookup<() => Duplex>;
  /** `security.insecure` lets `RUN --security=insecure` have everything. */
  readonly entitlements?: readonly string[];
  /** Of RUN steps. */
  readonly ulimits?: readonly Ulimit[];
  /** `files`: no image is made of the outcome, which is for `BuildIo.deliver` alone. */
  readonly output?: 'image' | 'files';
  /** Where steps of other builds may be found: an image's name, `type=registry,ref=…`, `type=local,src=/…`. */
  readonly cacheFrom?: readonly string[];
  /** Where the steps of this one are left: `type=registry,ref=…`, `type=local,dest=/…`, `type=inline`. */
  readonly cacheTo?: readonly string[];
  /** Directories and images by name, for `FROM name`, `COPY --from=name` and `RUN --mount=from=name`. */
  readonly additionalContexts?: Readonly<Record<string, AdditionalContext>>;
  /** Says with the image how it came about. */
  readonly provenance?: ProvenanceMode | undefined;
  /** Images that stand for others by their names, as a lock file has them. */
  readonly bases?: PinnedBases;
}

export type AdditionalContext =
  | LocalDirectory
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'git'; readonly url: string }
  /** An archive over HTTP. */
  | { readonly kind: 'url'; readonly url: string };

export interface BuildIo {
  /** The classic builder's lines; some carry a `tscompose` member besides, see `BuildEvent`. */
  readonly onProgress: (message: BuildMessage) => void;
  /** `none`: who listens draws by the events, and the lines of steps are not kept until their turn. Default `ordered`. */
  readonly text?: 'ordered' | 'none';
  readonly registryAuth?: (domain: string) => RegistryAuth | undefined | Promise<RegistryAuth | undefined>;
  /** Given the outcome while its layers are kept for this build; they are let go when it settles. */
  readonly deliver?: (result: BuildResult) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What a build came to for one platform. */
export interface BuiltImage {
  /** As `linux/arm64`. */
  readonly platform: string;
  /** Of `files`: what the image would be called. */
  readonly imageId: Digest;
  /** Undefined: no file at all. */
  readonly chainId: ChainId | undefined;
  /** What is said about it. */
  readonly attestations: readonly Statement[];
}

/** Of several platforms: the one for this machine, else the first. */
export interface BuildResult extends Pick<BuiltImage, 'imageId' | 'chainId'> {
  /** By platform, as asked for. */
  readonly images: readonly BuiltImage[];
}

/** Plain clients ignore the member they do not know. */
export interface BuildMessage extends ProgressMessage {
  readonly tscompose?: BuildEvent;
}

/** What a client needs to draw progress. `step` is unique in a build; steps of several stages run at the same time. */
export type BuildEvent =
  /** `stages`: of the whole Dockerfile. */
  | { readonly kind: 'plan'; readonly steps: readonly BuildStepInfo[]; readonly stages: number }
  /** The config of a base image is looked for, and pulled where it is not here; `message` when that failed. */
  | { readonly kind: 'resolving' | 'resolved'; readonly reference: string; readonly message?: string }
  | { readonly kind: 'unused-args'; readonly names: readonly string[] }
  | LintReport
  | { readonly kind: 'started'; readonly step: number }
  | { readonly kind: 'output'; readonly step: number; readonly text: string }
  | {
      readonly kind: 'done' | 'cached' | 'failed' | 'canceled';
      readonly step: number;
      readonly durationMs: number;
      readonly message?: string;
    };

export interface BuildStepInfo {
  readonly step: number;
  /** Name or number of its stage. */
  readonly stage: string;
  readonly instruction: string;
  readonly line: number;
  /** With what its variables stand for, where that is known. */
  readonly shown?: string;
  /** A FROM of an image: its name. */
  readonly image?: string;
  /** Counts among the steps of its stage that have files to do with. */
  readonly ordinal?: { readonly number: number; readonly of: number };
}
