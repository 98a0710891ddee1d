import type { OneOff } from './one-off.js';

/** What `up`, `create` and `scale` ask for. Everything absent is docker compose's default. */
export interface UpOptions {
  /** Services named on the command line; absent: all. What they need comes along. */
  readonly services?: readonly string[];
  /** Leaves out what the named services need. */
  readonly noDeps?: boolean;
  /** Replaces the named services' containers even when nothing changed. */
  readonly forceRecreate?: boolean;
  /** Replaces no container. */
  readonly noRecreate?: boolean;
  /** As `forceRecreate`, for what the named services need. */
  readonly alwaysRecreateDeps?: boolean;
  /** Replaces containers without carrying their anonymous volumes over. */
  readonly renewAnonVolumes?: boolean;
  readonly build?: 'missing' | 'always' | 'never';
  /** Absent: each service's own policy. */
  readonly pull?: 'always' | 'missing' | 'never';
  readonly removeOrphans?: boolean;
  /** No word about orphans. */
  readonly ignoreOrphans?: boolean;
  readonly scale?: Readonly<Record<string, number>>;
  /** Creates only. `for-now`: a second plan of this run starts, and gets what this one stopped as `revive`. */
  readonly noStart?: boolean | 'for-now';
  /** Ids of containers that an earlier plan of this run stopped for the change: they are started again. */
  readonly revive?: readonly string[];
  /**
   * Waits at the end until every selected service is healthy, or running where it has no health check; `or-done`: or
   * has ended with exit code 0.
   */
  readonly wait?: boolean | 'or-done';
  /** Seconds to stop a container in; absent: the container's own setting. */
  readonly timeoutS?: number;
  /** In place of the one named service a container of `run`; what it needs is brought up. */
  readonly oneOff?: OneOff;
  /** Unix seconds; pull policies with a period need it. */
  readonly nowS?: number;
  /** Names of volumes that are removed and made anew when their definition has changed: their data is lost. */
  readonly replaceVolumes?: readonly string[];
  /** What an earlier plan of this run did about images; see `Plan.again`. */
  readonly fetched?: Fetched;
}

/** A variable that a provider brings for the services that depend on it. */
export interface ProvidedVariable {
  readonly name: string;
  readonly value: string;
  /** As it is; otherwise the name of the provider's service goes before it: `URL` of `db` is `DB_URL`. */
  readonly raw: boolean;
}

/** References that a plan pulled, or tried to, and those it built; and what providers and models answered. */
export interface Fetched {
  readonly pulled: readonly string[];
  readonly built: readonly string[];
  /** By service; that of a provider without variables has none. */
  readonly provided?: Readonly<Record<string, readonly ProvidedVariable[]>>;
  /** Addresses by key of the model. */
  readonly endpoints?: Readonly<Record<string, string>>;
}
