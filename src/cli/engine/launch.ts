import { spawn, type ChildProcess, type IOType } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { EngineReadiness } from '../../api/tscompose.js';
import { errnoOf, TscomposeError } from '../../base/errors.js';
import type { Terminal } from '../terminal.js';
import type { EnginePaths } from './paths.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/not-root': { readonly uid: number };
    'cli/engine-not-built': { readonly file: string };
    /** The embedded engine could not be started; `reason` is its own error code, when it gave one. */
    'cli/engine-failed': { readonly reason: string | undefined; readonly log: string };
  }
}

/** Code the engine gives when another one already holds its runtime folder, and so answers at the same socket. */
const lockedCode = 'engine/locked';

const readyTimeoutMs = 30_000;

/** Small young generation and no helper threads of V8: 10 MB less resident with 30 containers, and no slower. */
const nodeFlags = ['--max-semi-space-size=1', '--v8-pool-size=0'];

/**
 * Starts the embedded engine as a process that outlives this one, and waits until it serves.
 * Another tscompose may do the same at this moment: who loses the engine's lock gets `started: false` and can
 * expect the socket to answer soon.
 * @throws `cli/not-root`, `cli/engine-not-built`, `tool/missing` (unshare), `cli/engine-failed`
 */
export async function launchEngine(
  paths: EnginePaths,
  terminal: Pick<Terminal, 'environment'>,
  signal: AbortSignal,
): Promise<{ readonly started: boolean }> {
  signal.throwIfAborted();
  const entry = checkedEntry();
  mkdirSync(paths.runtimeDir, { recursive: true, mode: 0o711 });
  const log = openSync(paths.log, 'a', 0o600);
  const { size: before } = fstatSync(log);
  let child: ChildProcess;
  try {
    child = spawnEngine(entry, paths, terminal, ['ignore', log, log, 'pipe'], true);
  } finally {
    closeSync(log);
  }
  const readiness = await readReadiness(child, signal);
  child.unref();
  if (readiness === undefined) {
    const said = lastLines(paths.log, before);
    throw engineFailed(paths, undefined, said, said.startsWith('unshare:') ? privilegedHint : undefined);
  }
  if ('ready' in readiness) return { started: true };
  if (readiness.error.code === lockedCode) return { started: false };
  throw engineFailed(paths, readiness.error.code, readiness.error.message, readiness.error.hint);
}

/** Runs the engine as a child that dies with this process's terminal; resolves to its exit code. */
export async function runEngine(paths: EnginePaths, terminal: Pick<Terminal, 'environment'>): Promise<EngineProcess> {
  const entry = checkedEntry();
  mkdirSync(paths.runtimeDir, { recursive: true, mode: 0o711 });
  const child = spawnEngine(entry, paths, terminal, ['ignore', 'inherit', 'inherit', 'ignore'], false);
  await spawned(child);
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(code ?? (signal === null ? 1 : 130));
    });
  });
  return { exited, terminate: () => child.kill('SIGTERM') };
}

export interface EngineProcess {
  readonly exited: Promise<number>;
  terminate(): void;
}

function checkedEntry(): string {
  const uid = process.geteuid?.() ?? 0;
  if (uid !== 0) {
    throw new TscomposeError({
      code: 'cli/not-root',
      message: 'the embedded engine needs root, and this is not root',
      facts: { uid },
      hint: 'run the command with sudo, or name an engine you may use with DOCKER_HOST or --context',
    });
  }
  const entry = join(__dirname, 'engine.cjs');
  if (existsSync(entry)) return entry;
  throw new TscomposeError({
    code: 'cli/engine-not-built',
    message: `the embedded engine is not part of this installation: there is no ${entry}`,
    facts: { file: entry },
    hint: 'build it with npm run build, or name another engine with DOCKER_HOST',
  });
}

/**
 * Host mounts are usually shared, so what the engine mounts would appear outside too (mount_namespaces(7)): it lives in
 * a namespace of its own that only receives. A process cannot do that to itself once it has threads, hence unshare(1).
 */
function spawnEngine(
  entry: string,
  paths: EnginePaths,
  terminal: Pick<Terminal, 'environment'>,
  stdio: readonly [IOType, IOType | number, IOType | number, IOType],
  detached: boolean,
): ChildProcess {
  const command = [process.execPath, ...nodeFlags, '--', entry, 'run'];
  const hostMounts = openSync('/proc/self/ns/mnt', 'r'); // for containers that share mounts with the host
  try {
    return spawn('unshare', ['--mount', '--propagation', 'slave', ...command], {
      cwd: '/',
      detached,
      stdio: [...stdio, hostMounts],
      env: {
        ...engineEnvironment(terminal.environment, paths),
        ...(detached ? { TSCOMPOSE_READY_FD: '3' } : {}),
        TSCOMPOSE_HOST_MOUNTS_FD: '4',
      },
    });
  } finally {
    closeSync(hostMounts);
  }
}

/** The engine serves many callers, so it keeps little of who happened to start it: the way to registries and its own settings. */
export function engineEnvironment(environment: Terminal['environment'], paths: EnginePaths): Record<string, string> {
  const kept = /^(?:HOME|TZ|TMPDIR|container|(?:HTTPS?|ALL|NO|FTP)_PROXY|SSL_CERT_(?:FILE|DIR)|TSCOMPOSE_.*)$/i;
  const entries = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && kept.test(name) ? [[name, value] as const] : [],
  );
  const path = [environment['PATH'] || '/usr/local/bin:/usr/bin:/bin', '/usr/local/sbin:/usr/sbin:/sbin'].join(':');
  return {
    ...Object.fromEntries(entries),
    PATH: path,
    TSCOMPOSE_DATA_ROOT: paths.dataRoot,
    TSCOMPOSE_RUNTIME_DIR: paths.runtimeDir,
  };
}

/** The one line of TSCOMPOSE_READY_FD; undefined when the engine ended without it. */
async function readReadiness(child: ChildProcess, signal: AbortSignal): Promise<EngineReadiness | undefined> {
  await spawned(child);
  const pipe = child.stdio[3] as Readable;
  pipe.setEncoding('utf8');
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(readyTimeoutMs)]);
  try {
    let line = '';
    for await (const piece of bounded.aborted ? [] : stopping(pipe, bounded)) {
      line += piece;
      if (line.includes('\n')) break;
    }
    signal.throwIfAborted();
    const [first = ''] = line.split('\n');
    return first === '' ? undefined : (JSON.parse(first) as EngineReadiness);
  } finally {
    pipe.destroy();
  }
}

async function* stopping(pipe: Readable, signal: AbortSignal): AsyncGenerator<string> {
  const stop = (): void => void pipe.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const piece of pipe) yield String(piece);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function spawned(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      if (errnoOf(cause) !== 'ENOENT') {
        reject(cause);
        return;
      }
      const facts = { tool: 'unshare' };
      const hint = 'it is part of util-linux: apt-get install util-linux';
      reject(new TscomposeError({ code: 'tool/missing', message: 'cannot find the program unshare', facts, hint }));
    });
  });
}

function engineFailed(paths: EnginePaths, reason: string | undefined, detail: string, hint?: string): TscomposeError {
  return new TscomposeError({
    code: 'cli/engine-failed',
    message: `the embedded engine did not start${detail === '' ? '' : `: ${detail}`}`,
    facts: { reason, log: paths.log },
    hint: hint ?? `its log is ${paths.log}; tscompose doctor checks what it needs`,
  });
}

/** Making namespaces is what a container may not, unless it is told that it may. */
const privilegedHint =
  'inside a container, start that one with --privileged; tscompose doctor checks what else is needed';

/** @param from - offset in bytes; what was written earlier is about others */
function lastLines(file: string, from: number): string {
  try {
    return readFileSync(file).subarray(from).toString().trimEnd().split('\n').slice(-5).join('\n').slice(-2_000);
  } catch {
    return '';
  }
}
