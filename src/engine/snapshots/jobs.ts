import type { FilesystemChange } from '../../api/container.js';
import { syncFilesystem } from '../sys/index.js';
import { type ChangesJob, runChanges } from './changes-job.js';
import { copyFor, type CopyJob } from './copy-mount.js';
import { type PackJob, type PackResult, runPack } from './pack-job.js';
import { runSettle, type SettleJob } from './settle-job.js';
import { type JobContext, runUnpack, type UnpackJob, type UnpackResult } from './unpack-job.js';

/** Writes back everything of the file system that holds `path`. */
export interface SyncJob {
  readonly kind: 'sync';
  readonly path: string;
}

/** Work that keeps a core busy, for a thread of its own. */
export type Job = UnpackJob | PackJob | ChangesJob | CopyJob | SettleJob | SyncJob;

export interface JobResults {
  unpack: UnpackResult;
  pack: PackResult;
  changes: FilesystemChange[];
  copy: undefined;
  settle: undefined;
  sync: undefined;
}

export type JobKind = Job['kind'];
export type JobOf<Kind extends JobKind> = Extract<Job, { readonly kind: Kind }>;

export async function runJob(job: Job, context: JobContext): Promise<JobResults[JobKind]> {
  switch (job.kind) {
    case 'unpack':
      return runUnpack(job, context);
    case 'pack':
      return runPack(job, context.signal);
    case 'changes':
      return runChanges(job);
    case 'copy':
      copyFor(job.data);
      return undefined;
    case 'settle':
      runSettle(job);
      return undefined;
    case 'sync':
      syncFilesystem(job.path);
      return undefined;
  }
}
