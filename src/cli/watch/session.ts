import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, TscomposeError } from '../../base/errors.js';
import { watchFiles, watchRules, type FileWatch } from '../../watch/index.js';
import type { CliContext } from '../context.js';
import type { Terminal } from '../terminal.js';
import { carryOut, type WatchWork } from './carry-out.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/already-watched': { readonly project: string; readonly pid: number };
    'cli/cannot-lock': { readonly project: string; readonly directory: string };
  }
}

/** Watches the services until the signal fires. Only one watch of a project at a time. @throws `cli/already-watched`, `cli/cannot-lock` */
export function openWatch(context: CliContext, work: WatchWork, services: readonly string[]): FileWatch {
  const { project, signal, say } = work;
  const rules = watchRules(project, services);
  const targets = new Map(
    services.map((name) => [name, rules.flatMap(({ service, target }) => (service === name ? (target ?? []) : []))]),
  );
  const release = lockWatch(project.name, context.terminal.environment);
  const watch = watchFiles(rules, (batch) => carryOut(context, { ...work, targets }, batch), signal);
  watch.ended.catch(() => undefined).finally(release);
  watch.opened.then(
    () => {
      say('Watch enabled');
    },
    () => undefined, // told where `ended` is awaited
  );
  return watch;
}

/** @throws `cli/already-watched`, `cli/cannot-lock` */
export function lockWatch(project: string, environment: Terminal['environment']): () => void {
  // A folder for each user where it is not one already: whoever came first would shut the others out.
  const { XDG_RUNTIME_DIR: own, TMPDIR: temporary = '/tmp' } = environment;
  const directory = own ? join(own, 'tscompose-watch') : join(temporary, `tscompose-watch-${process.geteuid?.() ?? 0}`);
  const path = join(directory, `${project}.pid`);
  const draft = `${path}.${process.pid}`; // whole before it has its name: nobody finds it empty
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(draft, String(process.pid));
    try {
      takeName(project, draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch (cause) {
    if (cause instanceof TscomposeError) throw cause;
    throw new TscomposeError({
      code: 'cli/cannot-lock',
      message: `cannot note in ${directory} that project "${project}" is watched`,
      facts: { project, directory },
      hint: 'set XDG_RUNTIME_DIR to a folder that is yours',
      cause,
    });
  }
  return () => {
    rmSync(path, { force: true });
  };
}

function takeName(project: string, draft: string, path: string): void {
  while (!isLinked(draft, path)) {
    const pid = Number(readFileSync(path, 'utf8'));
    if (isAlive(pid)) throw alreadyWatched(project, pid);
    rmSync(path, { force: true }); // left by one that was killed
  }
}

function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return false;
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
