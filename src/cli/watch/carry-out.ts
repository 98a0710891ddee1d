import { Readable } from 'node:stream';
import { membersOf } from '../../base/tar/from-files.js';
import { writeTar, type TarMember } from '../../base/tar/stream.js';
import type { EngineClient } from '../../client/index.js';
import type { Project } from '../../compose/index.js';
import { observe } from '../../execute/index.js';
import { planHooks, planRestart } from '../../plan/index.js';
import type { ServiceChanges, SyncFile } from '../../watch/index.js';
import { projectContainers } from '../containers.js';
import type { CliContext } from '../context.js';
import { quietProgress } from '../render/progress.js';
import { runPlan, runUp, type Work } from '../run-plan.js';

export interface WatchWork {
  readonly client: EngineClient;
  readonly project: Project;
  readonly signal: AbortSignal;
  /** Dangling images of the project go after a rebuild. */
  readonly prune: boolean;
  readonly quietBuild: boolean;
  /** A line for people. */
  readonly say: (text: string) => void;
}

/** Of one command line. */
const mostArguments = 500;

/** Does what a batch of changes asks for, one service after the other. */
export async function carryOut(context: CliContext, work: WatchWork, batch: readonly ServiceChanges[]): Promise<void> {
  for (const changes of batch) {
    if (changes.rebuild) await rebuild(context, work, changes);
    else await sync(context, work, changes);
  }
}

async function rebuild(
  context: CliContext,
  { client, project, signal, prune, quietBuild, say }: WatchWork,
  { service, paths }: ServiceChanges,
): Promise<void> {
  say(`Rebuilding service "${service}" after ${counted(paths)} detected...`);
  const progress = quietBuild ? quietProgress : await context.progress('watch');
  const plan: Work & { readonly project: Project } = {
    client,
    project,
    progress,
    signal,
    quiet: { builds: quietBuild, pulls: false },
  };
  try {
    await runUp(context, plan, { services: [service], noDeps: true, build: 'always', ignoreOrphans: true });
    await progress.end();
    say(`service "${service}" successfully built`);
    if (prune) {
      const label = [`com.docker.compose.project=${project.name}`];
      await client.images.prune({ filters: { dangling: ['true'], label } }, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    await progress.end();
    // The next save may mend it.
    say(`service "${service}" cannot be rebuilt: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function sync(context: CliContext, work: WatchWork, changes: ServiceChanges): Promise<void> {
  const { client, project, signal, say } = work;
  const { service, copy, remove, restart, exec, paths } = changes;
  if (copy.length + remove.length > 0) say(`Syncing service "${service}" after ${counted(paths)} detected`);
  const query = { stopped: false, oneOffs: false, services: [service] };
  const containers = await projectContainers(client, project.name, query, signal);
  await Promise.all(
    containers.map(async ({ Id }) => {
      for (let at = 0; at < remove.length; at += mostArguments) {
        await removePaths(client, Id, remove.slice(at, at + mostArguments), signal);
      }
      if (copy.length === 0) return;
      const tar = Readable.from(writeTar(filesOf(copy, signal)));
      await client.containers.putArchive(Id, { path: '/', copyUIDGID: true }, tar, signal);
    }),
  );
  if (!restart && exec.length === 0) return;
  const observed = await observe(client, project, signal, { images: false, networks: false, volumes: false });
  const target = { projectName: project.name, services: [service] };
  const plan = restart
    ? planRestart(observed, project, { ...target, noDeps: true })
    : planHooks(observed, project, target, exec);
  if (restart) say(`Restarting service "${service}"`);
  await runPlan(context, { client, project, progress: quietProgress, signal }, plan);
}

/** A file that is gone by now is in a batch to come. */
async function* filesOf(files: readonly SyncFile[], signal: AbortSignal): AsyncGenerator<TarMember> {
  for (const { source, target } of files) {
    const name = target.replace(/^\/+/, '');
    try {
      for await (const member of membersOf(source, name, { signal, ignores: () => true })) yield member;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}

/** The Engine API has no call for it: the container's own rm does it. */
async function removePaths(
  client: EngineClient,
  containerId: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const command = { Cmd: ['rm', '-rf', '--', ...paths], User: '0', AttachStdout: true, AttachStderr: true };
  const { Id } = await client.exec.create(containerId, command, signal);
  const stream = await client.exec.start(Id, { Tty: false }, signal);
  stream.input.end();
  for await (const { payload } of stream.output) payload.fill(0); // nobody reads it; it ends when rm does
}

function counted(paths: number): string {
  return paths === 1 ? '1 change was' : `${paths} changes were`;
}
