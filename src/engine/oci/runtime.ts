import { closeSync, constants, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { TscomposeError, errnoOf, messageOf } from '../../base/errors.js';
import './errors.js';
import { programEnvironment, type ProgramResult, runProgram } from './program.js';
import type { OciResources } from './spec.js';

/** crun or runc, found to work on this host, with its state in a folder of ours. */
export interface RuntimeProgram {
  readonly kind: 'crun' | 'runc';
  readonly path: string;
  readonly version: string;
  /**
   * A way to it by which no container can write it. crun otherwise makes one at each call, so that no container can get at
   * the program through `/proc/PID/exe`, and starts anew by it: a third of the time of an `exec`.
   */
  readonly readOnlyPath?: string;
  /** Its `--root`. */
  readonly root: string;
  /** Whether the container may be started by opening its fifo; see {@link startContainer}. */
  readonly fastStart: boolean;
}

export type RuntimeStatus = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

export interface RuntimeState {
  readonly status: RuntimeStatus;
  readonly pid: number;
}

/** What is to be run, and with which environment. */
export function programOf({ path, readOnlyPath }: Pick<RuntimeProgram, 'path' | 'readOnlyPath'>): {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
} {
  if (readOnlyPath === undefined) return { file: path, env: programEnvironment };
  return { file: readOnlyPath, env: { ...programEnvironment, _LIBCONTAINER_CLONED_BINARY: '1' } }; // crun's own name for it
}

/** Arguments before the command, the same in every call so that all find the same state. */
export function globalArguments({ root }: Pick<RuntimeProgram, 'root'>): string[] {
  return ['--root', root];
}

async function run(runtime: RuntimeProgram, args: readonly string[]): Promise<ProgramResult> {
  return runProgram(programOf(runtime), [...globalArguments(runtime), ...args], { dir: runtime.root });
}

async function runOrThrow(runtime: RuntimeProgram, operation: string, args: readonly string[]): Promise<string> {
  const result = await run(runtime, [operation, ...args]);
  if (result.exitCode === 0) return result.stdout;
  const reason = lastLine(result.stderr);
  throw new TscomposeError({
    code: 'oci/runtime-failed',
    message: `${runtime.kind} ${operation} failed: ${reason}`,
    facts: { operation, reason },
  });
}

/** What a runtime has to say when it fails: its last line, be it JSON, logrus or plain, without timestamp and level. */
export function lastLine(said: string): string {
  const line = said.trim().split('\n').at(-1) ?? '';
  const quoted = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  const message = quoted === undefined ? jsonMessage(line) : jsonMessage(`{"msg":${quoted}}`);
  return (message ?? line).replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?:?\s*/, '').replace(/^(\[[a-z]+\]:\s*|error:\s*)/i, '');
}

function jsonMessage(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null && 'msg' in entry && typeof entry.msg === 'string')
      return entry.msg;
  } catch {
    // plain text
  }
  return undefined;
}

/**
 * Lets a created container go. crun's init waits at a fifo in the state folder for a writer; writing there ourselves is
 * 0.3 ms where `crun start` is 7 ms. That is crun's inside and no contract, so any failure falls back to the command.
 */
export async function startContainer(runtime: RuntimeProgram, id: string): Promise<void> {
  if (runtime.kind === 'crun' && runtime.fastStart && openFifo(join(runtime.root, id, 'exec.fifo'))) return;
  await runOrThrow(runtime, 'start', [id]);
}

function openFifo(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return false; // ENXIO: nobody waits there; ENOENT: another version
  }
  try {
    writeSync(fd, '0');
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
  rmSync(path, { force: true });
  return true;
}

/** Undefined when the runtime does not know it. */
export async function readState(runtime: RuntimeProgram, id: string): Promise<RuntimeState | undefined> {
  if (statSync(join(runtime.root, id), { throwIfNoEntry: false }) === undefined) return undefined;
  const result = await run(runtime, ['state', id]);
  if (result.exitCode !== 0) return undefined;
  const state: unknown = JSON.parse(result.stdout);
  if (typeof state !== 'object' || state === null || !('status' in state) || !isStatus(state.status)) return undefined;
  return { status: state.status, pid: 'pid' in state && typeof state.pid === 'number' ? state.pid : 0 };
}

const statuses: readonly unknown[] = ['creating', 'created', 'running', 'paused', 'stopped'];

function isStatus(value: unknown): value is RuntimeStatus {
  return statuses.includes(value);
}

/** Kills what is left of a container and forgets it. Idempotent. */
export async function deleteContainer(runtime: RuntimeProgram, id: string): Promise<void> {
  if (statSync(join(runtime.root, id), { throwIfNoEntry: false }) === undefined) return;
  const result = await run(runtime, ['delete', '--force', id]);
  if (result.exitCode !== 0) await rm(join(runtime.root, id), { recursive: true, force: true });
}

/** Stops all its processes where they are. @throws `oci/runtime-failed` */
export async function pauseContainer(runtime: RuntimeProgram, id: string): Promise<void> {
  await runOrThrow(runtime, 'pause', [id]);
}

/** @throws `oci/runtime-failed` */
export async function resumeContainer(runtime: RuntimeProgram, id: string): Promise<void> {
  await runOrThrow(runtime, 'resume', [id]);
}

/** Changes the limits of a running container. @throws `oci/runtime-failed` */
export async function updateContainer(runtime: RuntimeProgram, id: string, resources: OciResources): Promise<void> {
  const path = join(runtime.root, `update-${randomUUID()}.json`);
  await writeFile(path, JSON.stringify(resources), { mode: 0o600 });
  try {
    await runOrThrow(runtime, 'update', ['--resources', path, id]);
  } finally {
    await rm(path, { force: true });
  }
}

/** First line of `--version`, or undefined where there is no such program. */
export async function readVersion(path: string, dir: string): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await runProgram(programOf({ path }), ['--version'], { dir, timeoutMs: 5_000 });
    return exitCode === 0 ? (stdout.split('\n', 1)[0]?.trim() ?? '') : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || messageOf(error).includes('ENOENT')) return undefined;
    throw error;
  }
}

/** The compiled filter that crun keeps of a container made from a JSON profile. */
export async function readCompiledSeccomp(runtime: RuntimeProgram, id: string): Promise<Buffer | undefined> {
  if (runtime.kind !== 'crun') return undefined;
  try {
    const blob = await readFile(join(runtime.root, id, 'seccomp.bpf'));
    return blob.length === 0 ? undefined : blob;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
