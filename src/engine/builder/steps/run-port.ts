import type { BuildNetwork } from '../request.js';

/** A mount in OCI terms (runtime-spec, config.md, "Mounts"). */
export interface StepMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface RunStepRequest {
  /** Directories of an overlay, top first; the caller makes and removes them, `runStep` mounts and unmounts. */
  readonly rootfs: { readonly lower: readonly string[]; readonly upper: string; readonly work: string };
  readonly args: readonly string[];
  /** `NAME=value`; HOME is added from the user's entry where it is missing. */
  readonly env: readonly string[];
  readonly cwd: string;
  /** `user[:group]` by name or number; empty is root. */
  readonly user: string;
  readonly mounts?: readonly StepMount[];
  readonly networkMode: BuildNetwork;
  /** `name:address` lines for /etc/hosts. */
  readonly extraHosts?: readonly string[];
  readonly shmSizeBytes?: number;
  readonly onOutput: (chunk: Buffer, stream: 1 | 2) => void;
  readonly signal: AbortSignal;
}

/** Runs a command in a throw-away container to its end; the process and all it started are gone when this settles. */
export type RunStep = (request: RunStepRequest) => Promise<{ readonly exitCode: number }>;
