import type { ContainerCreateRequest, EndpointSettings } from '../api/container.js';
import type { NetworkCreateRequest } from '../api/network.js';
import type { VolumeCreateRequest } from '../api/volume.js';
import type { SourceLocation } from '../base/source-location.js';
import type { BuildRequest } from './build-request.js';
import type { ProviderAction } from './observed-state.js';
import type { Fetched } from './up-options.js';

/** A hook as it runs. */
export interface HookCommand {
  readonly command: readonly string[];
  readonly user: string | undefined;
  readonly workingDir: string | undefined;
  readonly privileged: boolean;
  /** `KEY=VALUE`, sorted. */
  readonly environment: readonly string[];
}

/** A container that is there already, or one that an earlier step of the plan creates. */
export type ContainerRef =
  | { readonly name: string; readonly service: string; readonly id: string }
  | { readonly name: string; readonly service: string; readonly step: number };

/** Text of a file that is put into a container before its first start. */
export interface InjectedFile {
  /** Absolute, in the container. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a dependent waits for. `ready`: healthy, or running where there is no health check. `settled`: that, or ended well. */
export type WaitFor = 'healthy' | 'completed' | 'ready' | 'settled';

interface OnContainer {
  readonly container: ContainerRef;
}

/** One operation is one Engine API call (`container.wait` is one wait on the event stream). */
interface OperationFacts {
  /** `optional`: a failure is a warning, since the image can be built instead. */
  'image.pull': {
    readonly image: string;
    readonly services: readonly string[];
    readonly platform: string | undefined;
    readonly optional: boolean;
  };
  'image.build': {
    readonly image: string;
    readonly service: string;
    readonly request: BuildRequest;
    /** An optional pull; where that brings the image there is nothing to do, and its image is what this step brings. */
    readonly insteadOf?: number;
  };
  /** `optional`: a failure is a warning. */
  'image.push': { readonly image: string; readonly service: string; readonly optional: boolean };
  /** `whenUnused`: an image in use, or gone already, is a warning. */
  'image.remove': { readonly image: string; readonly whenUnused: boolean };
  /** Calls the program that stands for a service; the variables it answers `up` with are for the next plan. */
  'provider.run': {
    readonly service: string;
    readonly type: string;
    readonly action: ProviderAction;
    readonly program: string;
    readonly args: readonly string[];
  };
  /** Has docker's model runner get and configure a model; where it answers is for the next plan. `contextSize` 0: its own. */
  'model.provide': {
    /** In the files. */
    readonly key: string;
    readonly model: string;
    readonly program: string;
    readonly contextSize: number;
    readonly runtimeFlags: readonly string[];
  };
  'network.create': { readonly network: string; readonly request: NetworkCreateRequest };
  'network.connect': OnContainer & { readonly network: string; readonly endpoint: EndpointSettings };
  'network.disconnect': OnContainer & { readonly network: string };
  'network.remove': { readonly network: string; readonly id: string; readonly whenUnused: boolean };
  'volume.create': { readonly volume: string; readonly request: VolumeCreateRequest };
  'volume.remove': { readonly volume: string; readonly whenUnused: boolean };
  /**
   * Text of `request` may hold placeholders (see placeholders.ts) for ids that earlier steps bring. `hashInput` is
   * given when the config hash depends on such an id: its hash replaces the label.
   */
  'container.create': {
    readonly service: string;
    readonly number: number;
    /** Temporary while the container to be replaced still has the final one; empty: the engine's choice. */
    readonly name: string;
    readonly finalName: string;
    readonly request: ContainerCreateRequest;
    readonly hashInput: string | undefined;
    readonly platform: string | undefined;
  };
  'container.upload': OnContainer & { readonly files: readonly InjectedFile[] };
  'container.rename': OnContainer & { readonly newName: string };
  /**
   * `attached`: our terminal is joined to it first, so that nothing it says is missed. `hook`: it is no replica, but runs
   * a hook of its service.
   */
  'container.start': OnContainer & { readonly attached?: boolean; readonly hook?: boolean };
  /** Seconds; undefined leaves it to the container's own setting. */
  'container.stop': OnContainer & { readonly timeoutS: number | undefined };
  'container.restart': OnContainer & { readonly timeoutS: number | undefined };
  'container.kill': OnContainer & { readonly signal: string };
  /** Runs a command in it to its end; another exit code than 0 is a failure. `name`: `post_start[0]`. */
  'container.exec': OnContainer & { readonly hook: HookCommand; readonly name: string };
  'container.pause': OnContainer;
  'container.unpause': OnContainer;
  'container.remove': OnContainer & { readonly force: boolean; readonly volumes: boolean };
  /** Of several containers, `completed` waits for one, the others for all. Optional: a failure is a warning. */
  'container.wait': {
    readonly service: string;
    readonly containers: readonly ContainerRef[];
    readonly condition: WaitFor;
    readonly required: boolean;
    /** The service that waits; undefined when the command does. */
    readonly dependent: string | undefined;
    readonly at: SourceLocation | undefined;
    /** The container runs this hook, `pre_start[0]`: what it says is told meanwhile. */
    readonly hook?: string;
  };
}

export type OperationKind = keyof OperationFacts;
/** `cause` says why, for people; `subject` is what it is done to, in progress output's words: `Container web-1`. */
export type OperationOf<K extends OperationKind> = { readonly kind: K; readonly cause: string } & OperationFacts[K];
export type Operation = { [K in OperationKind]: OperationOf<K> }[OperationKind];
/** An operation before it has its kind's tag checked against the table above. */
export type FactsOf<K extends OperationKind> = OperationFacts[K];

/** Ids count from 1 in an order that respects `after`. */
export interface PlanStep {
  readonly id: number;
  readonly operation: Operation;
  readonly after: readonly number[];
}

export interface PlanWarning {
  readonly subject: string;
  readonly message: string;
  readonly at?: SourceLocation;
}

/** An immutable DAG of operations. */
export interface Plan {
  readonly project: string;
  readonly steps: readonly PlanStep[];
  readonly warnings: readonly PlanWarning[];
  /** Containers that stay as they are, for progress output. */
  readonly unchanged: readonly { readonly name: string; readonly service: string; readonly running: boolean }[];
  /**
   * Names of volumes that have another definition now and are kept with their data. Who has a yes for each that is to
   * lose it plans again with `UpOptions.replaceVolumes`.
   */
  readonly outdatedVolumes: readonly string[];
  /**
   * Given when what comes next depends on what these steps bring (images, variables of providers): observe and plan again once they are done,
   * with this as `UpOptions.fetched`, so that nothing is fetched twice.
   */
  readonly again: Fetched | undefined;
}
