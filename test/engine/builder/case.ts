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
  /** The message, where it has to fail. BuildKit has to refuse too, in its own words. */
  readonly fails?: string;
  /** For `RUN --mount=type=secret`. */
  readonly secrets?: Record<string, string>;
  /** Named contexts: a folder of the context, or `docker-image://busybox`. */
  readonly contexts?: Record<string, string>;
  /** Why the classic builder cannot be compared with, or how it differs. */
  readonly notOnClassic?: string;
  /** Why the BuildKit of the same dockerd cannot be compared with, or how it differs. */
  readonly notOnBuildKit?: string;
}

/** What can be seen of a built image. */
export interface Seen {
  readonly fails?: string;
  readonly tree?: readonly string[];
  readonly config?: unknown;
  readonly history?: readonly (string | undefined)[];
}
