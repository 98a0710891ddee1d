import type { Digest } from '../../../base/digest.js';
import type { ChainId } from '../../snapshots/index.js';

/** What an operation comes to. */
export interface Outcome {
  /** Undefined: an empty file system. */
  readonly chainId?: ChainId | undefined;
  /** Something the operation found out that is kept with the outcome; the solver does not look at it. */
  readonly detail?: string | undefined;
}

export interface RunIo {
  readonly onOutput: (chunk: Buffer) => void;
  readonly signal: AbortSignal;
}

/** A node of the build graph. The solver knows it by its inputs and its key alone. */
export interface Operation {
  readonly inputs: readonly Operation[];
  /** For people who look at the cache. */
  readonly description: string;
  /**
   * The same key means the same outcome: it covers what is done and everything it is done with.
   * @returns undefined for what costs nothing and is not worth remembering
   */
  key(inputs: readonly Outcome[], signal: AbortSignal): Promise<Digest | undefined>;
  run(inputs: readonly Outcome[], io: RunIo): Promise<Outcome>;
}

export interface Solved extends Outcome {
  /** What it is remembered by; undefined for what is not. */
  readonly key?: Digest;
  readonly source: 'run' | 'cache';
  /** RFC 3339; when it was first made. */
  readonly createdAt: string;
}
