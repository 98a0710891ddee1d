import type { RegistryAuth } from '../api/image.js';
import type { EngineClient } from '../client/index.js';
import type { ContainerRef, Fetched, OperationKind, OperationOf } from '../plan/index.js';
import type { ContainerWatch } from './container-watch.js';
import type { FailureProject } from './failure-places.js';
import type { OutputTail } from './output-tail.js';
import type { OnEvent } from './progress.js';

/** What one operation sees of the run. */
export interface ExecutionContext {
  readonly client: EngineClient;
  readonly project: FailureProject;
  readonly watch: ContainerWatch;
  readonly onEvent: OnEvent;
  readonly signal: AbortSignal;
  readonly attach: (containerId: string) => Promise<void>;
  /** What the user is logged in with at the registry of an image; undefined for nobody. */
  readonly credentials: (image: string) => Promise<RegistryAuth | undefined>;
  /** Of the registries of these images, and of all others that the user is known to be logged in at. */
  readonly buildCredentials: (images: readonly string[]) => Promise<Readonly<Record<string, RegistryAuth>>>;
  /** Keeps the end of what a build says. */
  readonly output: OutputTail;
  /** Id that an earlier step brought. */
  readonly idOf: (step: number) => string;
  /** Keeps the id that this step brings. */
  readonly keepId: (id: string) => void;
  /** Keeps what a provider or model answered, for the next plan. */
  readonly keep: (answer: Answers) => void;
  /** It has not come to its usual end, and that has been told. */
  readonly leave: () => void;
}

/** Of providers and models. */
export type Answers = Pick<Fetched, 'provided' | 'endpoints'>;

/** What carries operations out, by their kind. */
export type Executors<Kinds extends OperationKind = OperationKind> = {
  readonly [K in Kinds]: (operation: OperationOf<K>, context: ExecutionContext) => Promise<void>;
};

export function idOfRef(container: ContainerRef, idOf: (step: number) => string): string {
  return 'id' in container ? container.id : idOf(container.step);
}
