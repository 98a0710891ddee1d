import { relative } from 'node:path';
import { replaceFile } from '../../base/durable-file.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { diffLocks, emptyLock, type LockFile, renderChange, renderLock } from '../../lock/index.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { makeLock } from '../lock/make-lock.js';
import { lockPlace, readLock } from '../lock/place.js';
import { requireProject, withFiles } from '../project.js';

/** As of `plan`: neither success nor failure. */
const changesExitCode = 2;

export const lockCommand = defineCommand({
  details:
    'Writes compose.lock beside the compose file: digests of images and of what builds start from, commits of git ' +
    'contexts and of compose files from elsewhere. up, create, run, pull and build keep to it. Without services everything is renewed, with them only what ' +
    'they use. Prints what has changed.',
  usage: '[SERVICE...]',
  flags: {
    diff: flag('Show what would change and write nothing; the exit code is 2 when something would'),
    update: flag('Renew only the services that are named'),
  },
  run: async ({ flags, args, context }) => {
    const { terminal, warn, dryRun } = context;
    const project = await requireProject(context, args.length === 0 ? { remotes: 'newest' } : {});
    withFiles(project).checkServices(args);
    if (flags.update && args.length === 0)
      throw invalidUsage('--update', '--update: say which services; without it all are renewed');
    const file = lockPlace(context, project);
    const before = await lockBefore(file, args.length > 0);
    const after = await makeLock(context, project, args.length === 0 ? undefined : args, before);
    const changes = diffLocks(before, after);
    terminal.stdout.write(changes.map((change) => `${renderChange(change)}\n`).join(''));
    if (flags.diff) return changes.length === 0 ? 0 : changesExitCode;
    if (dryRun) return 0;
    await replaceFile(file, renderLock(after), { mode: 0o644, strength: 'atomic' });
    const shown = relative(terminal.cwd, file);
    warn(changes.length === 0 ? `${shown} is up to date` : `wrote ${shown}`);
    return 0;
  },
});

/** A file that cannot be read is no obstacle to writing it anew, but is one to keeping parts of it. */
async function lockBefore(file: string, isKept: boolean): Promise<LockFile> {
  try {
    const lock = await readLock(file);
    if (lock !== undefined) return lock;
  } catch (error) {
    if (isKept) throw error;
  }
  return emptyLock;
}
