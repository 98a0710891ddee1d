import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, TscomposeError } from '../../base/errors.js';
import { watchFiles, watchRules, type FileWatch } from '../../watch/index.js';
import type { CliContext } from '../context.js';
import { carryOut, type WatchWork } from './carry-out.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/already-watched': { readonly project: string; readonly pid: number };
  }
}

/** Watches the services until the signal fires. Only one watch of a project at a time. @throws `cli/already-watched` */
export function openWatch(context: CliContext, work: WatchWork, services: readonly string[]): FileWatch {
  const { project, signal, say } = work;
  const rules = watchRules(project, services);
  const release = lock(project.name, context.terminal.environment['XDG_RUNTIME_DIR'] ?? tmpdir());
  const watch = watchFiles(rules, (batch) => carryOut(context, work, batch), signal);
  watch.ended.catch(() => undefined).finally(release);
  watch.opened.then(
    () => {
      say('Watch enabled');
    },
    () => undefined, // told where `ended` is awaited
  );
  return watch;
}

function lock(project: string, folder: string): () => void {
  const directory = join(folder, 'tscompose-watch');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${project}.pid`);
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => {
        rmSync(path, { force: true });
      };
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      const pid = Number(readFileSync(path, 'utf8'));
      if (isAlive(pid)) throw alreadyWatched(project, pid);
      rmSync(path, { force: true }); // left by one that was killed
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

function alreadyWatched(project: string, pid: number): TscomposeError {
  return new TscomposeError({
    code: 'cli/already-watched',
    message: `cannot take exclusive lock for project "${project}": process with PID ${pid} is still running`,
    facts: { project, pid },
  });
}
