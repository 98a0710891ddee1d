import { Readable } from 'node:stream';
import { errnoOf, messageOf, TscomposeError } from '../../base/errors.js';
import { settleAll } from '../../base/settle-all.js';
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
import { isBehind, linksAmong } from './links.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/cannot-remove': { readonly containerId: string; readonly exitCode: number | null };
  }
}

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

interface RuledWork extends WatchWork {
  /** By service: where in its containers the rules put files. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
}

/** Of one command line. */
const mostArguments = 500;

/** Does what a batch of changes asks for, one service after the other. What cannot be done is told: a later save may mend it. */
export async function carryOut(context: CliContext, work: RuledWork, batch: readonly ServiceChanges[]): Promise<void> {
  for (const changes of batch) {
    const { service } = changes;
    if (changes.rebuild) await tried(work, `service "${service}" cannot be rebuilt`, rebuild(context, work, changes));
    else await tried(work, `service "${service}" cannot be brought up to date`, sync(context, work, changes));
  }
}

async function tried({ signal, say }: WatchWork, failure: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    signal.throwIfAborted();
    say(`${failure}: ${messageOf(error)}`);
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
  } finally {
    await progress.end();
  }
}

async function sync(context: CliContext, work: RuledWork, changes: ServiceChanges): Promise<void> {
  const { client, project, signal, say } = work;
  const { service, copy, remove, restart, exec, paths } = changes;
  if (copy.length + remove.length > 0) say(`Syncing service "${service}" after ${counted(paths)} detected`);
  const query = { stopped: false, oneOffs: false, services: [service] };
  const containers = await projectContainers(client, project.name, query, signal);
  const written = copy.map(({ target }) => target);
  const targets = work.targets.get(service) ?? [];
  await settleAll(
    containers.map(async ({ Id }) => {
      const links = await linksAmong(client, Id, targets, [...written, ...remove], signal);
      const inTheWay = [...links].filter((link) => written.some((path) => path.startsWith(`${link}/`)));
      const gone = [...inTheWay, ...remove.filter((path) => !isBehind(links, path))];
      for (let at = 0; at < gone.length; at += mostArguments) {
        const removal = removePaths(client, Id, gone.slice(at, at + mostArguments), signal);
        await tried(work, `service "${service}" keeps files that are gone here`, removal);
      }
      if (copy.length === 0) return;
      const tar = Readable.from(writeTar(filesOf(copy, work)));
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

/** A file that is gone by now, or changes while it is read, is in a batch to come. */
async function* filesOf(files: readonly SyncFile[], { signal, say }: WatchWork): AsyncGenerator<TarMember> {
  for (const { source, target } of files) {
    const name = target.replace(/^\/+/, '');
    try {
      yield* membersOf(source, name, { signal, ignores: () => true, fillsUp: true });
    } catch (error) {
      signal.throwIfAborted();
      if (errnoOf(error) !== 'ENOENT') say(`cannot read ${source}: ${messageOf(error)}`);
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
  let said = '';
  for await (const { payload } of stream.output) said += payload.toString('utf8'); // ends when rm does
  const { ExitCode: exitCode } = await client.exec.inspect(Id, signal);
  if (exitCode === 0) return;
  throw new TscomposeError({
    code: 'cli/cannot-remove',
    message: `rm in the container failed with exit code ${String(exitCode)}: ${said.trim().slice(-500)}`,
    facts: { containerId, exitCode },
  });
}

function counted(paths: number): string {
  return paths === 1 ? '1 change was' : `${paths} changes were`;
}
