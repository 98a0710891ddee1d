import type { StoreReport } from '../../api/tscompose.js';
import type { Readable } from 'node:stream';
import type { Filters } from '../../api/common.js';
import type { EngineEvent } from '../../api/events.js';
import type {
  DistributionInspect,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
  RegistryAuth,
  SearchResult,
} from '../../api/image.js';
import type { Digest } from '../../base/digest.js';
import type { Platform, Reference } from '../../registry/index.js';
import type { ChainId } from '../snapshots/index.js';
import type { OciImageConfig } from './config.js';
import type { Attestation, Origin } from './image-index.js';

export type { Attestation } from './image-index.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'image/not-found': { readonly reference: string };
    'image/ambiguous': { readonly reference: string; readonly matches: readonly string[] };
    /** Docker's wording in the message; `forceable` when `force` would help. */
    'image/in-use': { readonly reference: string; readonly containerId?: string; readonly forceable: boolean };
    /** The archive given to load or import is not one we can read. */
    'image/bad-archive': { readonly reason: string };
    'image/invalid-filter': { readonly filter: string; readonly value?: string };
    'image/invalid-change': { readonly change: string };
  }
}

/** An image in the store. A snapshot of facts: it does not change when the store does. */
export interface Image {
  /** Digest of the config blob. */
  readonly id: Digest;
  readonly config: OciImageConfig;
  /** Undefined for an image without layers. */
  readonly chainId?: ChainId;
  /** The image this one was made from by a build or commit here. */
  readonly parent?: Digest;
  /** Where it was pulled from; empty for one that was made or loaded here. */
  readonly origins: readonly Origin[];
  /** Familiar: `busybox:latest`; sorted. */
  readonly tags: readonly string[];
  /** Familiar: `busybox@sha256:…`; sorted. */
  readonly repoDigests: readonly string[];
  /** All its layers, unpacked. */
  readonly sizeBytes: number;
  /** RFC 3339 as in the config; `0001-01-01T00:00:00Z` when it says nothing. */
  readonly created: string;
  /** RFC 3339, when a tag was last given here. */
  readonly lastTagTime?: string;
}

/** What is said about an image: an in-toto predicate and its type (in-toto attestation framework, spec/v0.1). */
export interface Statement {
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** An OCI index: what a name stands for where it has several platforms, or where something is said about its image. */
export interface ImageList {
  /** Digest of the index that an archive of it has. */
  readonly id: Digest;
  /** By platform. */
  readonly members: readonly { readonly image: Image; readonly attestations: readonly Attestation[] }[];
}

export interface CreateListOptions {
  readonly members: readonly { readonly image: Digest; readonly attestations?: readonly Statement[] }[];
  /** `latest` where they have none. A list without a name is not kept. */
  readonly tags: readonly string[];
}

/** A container as the image rules see it. */
export interface ImageUser {
  readonly containerId: string;
  readonly imageId: Digest;
  /** Undefined for an image without layers. */
  readonly chainId?: ChainId | undefined;
  readonly running: boolean;
}

export interface RemoveOptions {
  readonly force?: boolean;
  /** Also untagged parents nobody needs; Docker's default. */
  readonly prune?: boolean;
  /** Every container there is, asked at the moment of the decision. */
  readonly usedBy: () => readonly ImageUser[];
}

export interface CreateImageOptions {
  /** `rootfs` comes from `chainId`. */
  readonly config: Omit<OciImageConfig, 'rootfs'>;
  readonly chainId?: ChainId | undefined;
  readonly parent?: Digest | undefined;
  readonly tags?: readonly string[];
}

export type OnProgress = (message: ProgressMessage) => void;

export interface TransferOptions {
  readonly auth?: RegistryAuth | undefined;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

export interface PullOptions extends TransferOptions {
  readonly platform?: Platform | undefined;
  /** `none`: the image gets no name here, and no name moves. */
  readonly naming?: 'as-asked' | 'none';
}

export interface PushOptions extends TransferOptions {
  /** What to send instead of what the name stands for here; it gets no name here. */
  readonly image?: Digest;
}

export interface ImportOptions {
  /** `docker import`'s second argument; with `tag` apart as the API has it. */
  readonly repo?: string;
  readonly tag?: string;
  /** Dockerfile instructions: `CMD ["sh"]`, `ENV A=b`. */
  readonly changes?: readonly string[];
  readonly message?: string;
  readonly platform?: Platform | undefined;
  readonly signal: AbortSignal;
}

export interface SummaryOptions {
  /** Intermediate images too. */
  readonly all?: boolean;
  /** `before dangling label reference since until`. @throws `image/invalid-filter` */
  readonly filters?: Filters;
  /** Fills `SharedSize`, which is -1 otherwise. */
  readonly sharedSize?: boolean;
  /** Fills `Containers`, which is -1 otherwise. */
  readonly usedBy?: () => readonly ImageUser[];
}

export interface PruneOptions {
  /** `dangling label label! until`; `dangling=false` takes every image without containers. */
  readonly filters?: Filters;
  readonly usedBy: () => readonly ImageUser[];
}

export interface PruneResult {
  readonly deleted: readonly ImageDeleteItem[];
  readonly spaceReclaimed: number;
}

export interface EventSink {
  publish(event: Pick<EngineEvent, 'Type' | 'Action' | 'Actor'>): void;
}

/** A question to a registry. */
export interface AskOptions {
  readonly auth: RegistryAuth | undefined;
  readonly signal: AbortSignal;
}

/** Images by id and by name. Every change is one atomic write; lookups are answered from memory. */
export interface ImageStore {
  /**
   * By name, id, unique id prefix or `name@digest`; of a list the image that serves the platform best, this machine's
   * where none is given.
   * @throws `image/not-found`, `image/ambiguous`
   */
  resolve(nameOrId: string, platform?: Platform): Image;
  find(nameOrId: string, platform?: Platform): Image | undefined;
  /** The list that a name or a list's own digest stands for; undefined where that is an image alone. */
  listOf(nameOrId: string): ImageList | undefined;
  list(): readonly Image[];
  summaries(options?: SummaryOptions): readonly ImageSummary[];
  inspectJson(image: Image): ImageInspect;
  history(image: Image): readonly ImageHistoryItem[];
  /** Images made from this one. */
  children(id: Digest): readonly Image[];
  /** Moves the tag when another image has it. `latest` where none is given. @throws `image/not-found`, `image/invalid-reference` */
  tag(nameOrId: string, reference: string | Reference): Promise<void>;
  /** Docker's `rmi`. @throws `image/not-found`, `image/in-use` */
  remove(nameOrId: string, options: RemoveOptions): Promise<readonly ImageDeleteItem[]>;
  prune(options: PruneOptions): Promise<PruneResult>;
  /** Writes the config; the same config gives the same image. */
  create(options: CreateImageOptions): Promise<Image>;
  /** Puts images under names they share. @returns the list's id. @throws `image/not-found` */
  createList(options: CreateListOptions): Promise<Digest>;
  /** `docker import`: a root file system as tar, plain or compressed, becomes an image of one layer. */
  importTar(tar: Readable, options: ImportOptions): Promise<Image>;
  /** `docker load`: a docker-archive or OCI layout, plain or compressed. */
  load(
    archive: Readable,
    options: { readonly onProgress: OnProgress; readonly signal: AbortSignal; readonly quiet?: boolean },
  ): Promise<readonly Image[]>;
  /** `docker save`: an OCI layout that is a docker-archive as well. @throws `image/not-found` before the first byte */
  save(namesOrIds: readonly string[], options: { readonly signal: AbortSignal }): Readable;
  /**
   * The same for one image, or several as a list, under names that are theirs in the archive alone.
   * @throws `image/not-found` before the first byte
   */
  saveAs(
    names: readonly string[],
    members: CreateListOptions['members'],
    options: { readonly signal: AbortSignal },
  ): Readable;
  /** @throws `registry/…` */
  pull(reference: string, options: PullOptions): Promise<Image>;
  /** Every tag a repository has. @throws `registry/…` */
  pullAll(repository: string, options: PullOptions): Promise<void>;
  /** @throws `registry/…`, `image/not-found` */
  push(reference: string, options: PushOptions): Promise<void>;
  /** Whether a registry takes these credentials. @throws `registry/unauthorized`, `registry/unreachable` */
  checkLogin(auth: RegistryAuth, signal: AbortSignal): Promise<void>;
  /** What a registry has under a name, without pulling it. @throws `registry/…` */
  distribution(reference: string, options: AskOptions): Promise<DistributionInspect>;
  /** @param limit - at most so many results. @throws `registry/…` */
  search(term: string, options: AskOptions & { readonly limit: number }): Promise<readonly SearchResult[]>;
  /**
   * Asked before something is made of an image: whether the trust policies of this machine let it be used.
   * @param nameOrId - what it was asked for by
   * @throws `trust/refused`, `trust/bad-policy`, `trust/bad-key`
   */
  admit(image: Image, nameOrId: string, signal: AbortSignal): Promise<void>;
  /** Keeps an image and its layers from removal while something is made of it. In memory only. */
  retain(id: Digest): () => void;
  /** Removes layers and blobs nobody refers to: left by a crash, or by the last container of an image forced away. */
  collect(options: { readonly usedBy: () => readonly ImageUser[] }): Promise<{ readonly spaceReclaimed: number }>;
  /** Reads everything, and tells what is not what its digest says. */
  verify(signal: AbortSignal): Promise<StoreReport>;
  /** Bytes of all layers on disk, each counted once. */
  layersSize(): number;
}
