import type { FileSpec } from './lab.js';

/** One form of the Dockerfile language: what is built, and where to look at the result. */
export interface Case {
  readonly name: string;
  readonly dockerfile: readonly string[];
  readonly files?: Record<string, FileSpec>;
  readonly args?: Record<string, string | null>;
  readonly labels?: Record<string, string>;
  readonly target?: string;
  /** Below this the files are compared; `/o` unless told. */
  readonly look?: string;
  /** The message, where it has to fail. */
  readonly fails?: string;
  /** Why the classic builder cannot be compared with. */
  readonly notOnPeer?: string;
}
