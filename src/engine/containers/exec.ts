import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdResponse } from '../../api/common.js';
import type { ExecCreateRequest, ExecInspect, ExecStartRequest } from '../../api/container.js';
import { hasCode, TscomposeError } from '../../base/errors.js';
import {
  availableCapabilities,
  capabilitiesOf,
  capabilitySets,
  type ExecProcess,
  type OciProcess,
  readAccountFiles,
  resolveUser,
} from '../oci/index.js';
import { readBundleProcess } from './compose-bundle.js';
import type { Container } from './container.js';
import { invalidConfig, notRunning } from './errors.js';
import { detachKeysOf } from './detach-keys.js';
import { bundleOf, publish, type Room } from './room.js';
import { without } from './without.js';
import type { ExecSession, OutputChunk } from './types.js';

interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly request: ExecCreateRequest;
  readonly createdMs: number;
  started: boolean;
  process?: ExecProcess;
  exitCode: number | null;
  pid: number;
}

/** How long an ended one may still be asked for its exit code. */
const rememberedMs = 300_000;

/** How long after it was made one may be started. */
const startableMs = 3_600_000;

/** Processes that run in containers beside the first one. In memory: they do not outlive the engine's interest in them. */
export class Execs {
  readonly #room: Room;
  readonly #byId = new Map<string, Exec>();

  constructor(room: Room) {
    this.#room = room;
  }

  /** @throws `container/not-running`, `container/paused`, `container/invalid-config` */
  create(container: Container, request: ExecCreateRequest): IdResponse {
    requireRunning(container);
    if ((request.Cmd ?? []).length === 0) throw invalidConfig('Cmd', 'No exec command specified');
    detachKeysOf(request.DetachKeys);
    this.#room.oci.announceMigration();
    const createdMs = performance.now();
    for (const [id, exec] of this.#byId) {
      const isForgotten = !exec.started && createdMs - exec.createdMs > startableMs;
      if (exec.container.gone || isForgotten) this.#byId.delete(id);
    }
    const id = randomBytes(32).toString('hex');
    this.#byId.set(id, { id, container, request, createdMs, started: false, exitCode: null, pid: 0 });
    publish(this.#room, container, `exec_create: ${(request.Cmd ?? []).join(' ')}`, { execID: id });
    return { Id: id };
  }

  /**
   * @returns undefined when detached
   * @throws `exec/not-found`, `exec/already-run`, `container/not-running`, `container/paused`, `oci/unknown-user`; detached,
   * `container/exec-failed`
   */
  async start(id: string, options: ExecStartRequest, signal: AbortSignal): Promise<ExecSession | undefined> {
    const exec = this.#get(id);
    const { container, request } = exec;
    if (exec.started) {
      throw new TscomposeError({
        code: 'exec/already-run',
        message: `exec command ${id} has already run`,
        facts: { id },
      });
    }
    requireRunning(container);
    exec.started = true;
    const detached = options.Detach === true;
    const tty = request.Tty === true;
    let process: ExecProcess;
    try {
      process = await this.#spawn(container, request, options.ConsoleSize ?? request.ConsoleSize, signal);
    } catch (error) {
      this.#end(exec, 126);
      const isAboutUser = hasCode(error, 'oci/unknown-user') || hasCode(error, 'oci/unknown-group');
      if (detached || !isAboutUser) throw error;
      return { tty, output: sayOnly(error.message) }; // where clients look for it: the connection is theirs by now
    }
    exec.process = process;
    publish(this.#room, container, `exec_start: ${(request.Cmd ?? []).join(' ')}`, { execID: id });
    const failure = process.ended.then((outcome) => {
      this.#end(exec, outcome.exitCode);
      return outcome.kind === 'failed' ? outcome.text : undefined;
    });
    if (detached) {
      process.stdout.resume();
      process.stderr?.resume();
      process.stdin?.end();
      await Promise.race([process.began(), failure.then((reason) => throwIfFailed(container, reason))]);
      return undefined;
    }
    const shown = { stdout: request.AttachStdout !== false || tty, stderr: request.AttachStderr !== false };
    const output = mergeOutput(process, shown, failure, tty);
    return { tty, output, ...(process.stdin === undefined ? {} : { stdin: process.stdin }) };
  }

  /** @throws `exec/not-found`, `container/not-running` for one that does not run */
  resize(id: string, { rows, columns }: { readonly rows: number; readonly columns: number }): void {
    const exec = this.#get(id);
    if (exec.process === undefined || exec.exitCode !== null) throw notRunning(exec.container.id);
    exec.process.resize(rows, columns);
  }

  /** @throws `exec/not-found` */
  inspect(id: string): ExecInspect {
    const { container, request, started, exitCode, process, pid } = this.#get(id);
    const [entrypoint = '', ...words] = request.Cmd ?? [];
    const user = request.User ?? '';
    return {
      ID: id,
      Running: started && exitCode === null,
      ExitCode: exitCode,
      ProcessConfig: {
        tty: request.Tty === true,
        entrypoint,
        arguments: words,
        privileged: request.Privileged === true,
        ...(user === '' ? {} : { user }),
      },
      OpenStdin: request.AttachStdin === true,
      OpenStdout: request.AttachStdout === true,
      OpenStderr: request.AttachStderr === true,
      CanRemove: false,
      ContainerID: container.id,
      DetachKeys: request.DetachKeys ?? '',
      Pid: process?.pid() ?? pid,
    };
  }

  /** Those that a container has now, for `inspect`. */
  idsOf(container: Container): string[] {
    return [...this.#byId.values()]
      .filter((exec) => exec.container === container && exec.exitCode === null)
      .map(({ id }) => id);
  }

  /** How many run: an engine that has some is not idle. */
  running(): number {
    return [...this.#byId.values()].filter(({ started, exitCode }) => started && exitCode === null).length;
  }

  async #spawn(
    container: Container,
    request: ExecCreateRequest,
    consoleSize: readonly [number, number] | null | undefined,
    signal: AbortSignal,
  ): Promise<ExecProcess> {
    return this.#room.oci.exec(
      {
        containerId: container.id,
        process: composeProcess(this.#room, container, request, consoleSize),
        stdin: request.AttachStdin === true,
        dir: bundleOf(this.#room, container.id),
      },
      signal,
    );
  }

  #end(exec: Exec, exitCode: number): void {
    exec.pid = exec.process?.pid() ?? 0;
    exec.exitCode = exitCode;
    publish(this.#room, exec.container, 'exec_die', { execID: exec.id, exitCode: String(exitCode) });
    setTimeout(() => this.#byId.delete(exec.id), rememberedMs).unref();
  }

  #get(id: string): Exec {
    const exec = this.#byId.get(id);
    if (exec !== undefined) return exec;
    throw new TscomposeError({ code: 'exec/not-found', message: `No such exec instance: ${id}`, facts: { id } });
  }
}

/** @throws `container/not-running`, `container/paused` */
function requireRunning(container: Container): void {
  const { status } = container.state;
  if (status === 'paused') {
    const message = `Container ${container.record.name} is paused, unpause the container before exec`;
    throw new TscomposeError({ code: 'container/paused', message, facts: { containerId: container.id } });
  }
  if (status !== 'running') throw notRunning(container.id);
}

/** The first process's surroundings with another command. @throws `oci/unknown-user`, `oci/unknown-group` */
export function composeProcess(
  room: Room,
  container: Container,
  request: ExecCreateRequest,
  consoleSize: readonly [number, number] | null | undefined,
): OciProcess {
  const { config, hostConfig } = container.record;
  const first = without(readBundleProcess(room, container.id), 'consoleSize');
  const pid = container.state.process?.pid ?? 0;
  const wanted = request.User === undefined || request.User === '' ? (config.User ?? '') : request.User;
  const user = resolveUser(readAccountFiles(`/proc/${pid}/root`), wanted, hostConfig.GroupAdd ?? []);
  const available = availableCapabilities();
  const names = request.Privileged === true ? available : capabilitiesOf(hostConfig, available);
  const [rows = 0, columns = 0] = consoleSize ?? [];
  const cwd = request.WorkingDir ?? '';
  const tty = request.Tty === true;
  return {
    ...first,
    terminal: tty,
    ...(tty && rows > 0 && columns > 0 ? { consoleSize: { height: rows, width: columns } } : {}),
    args: [...(request.Cmd ?? [])],
    env: execEnvironment(first.env, request.Env ?? [], {
      tty,
      home: user.home,
      sameUser: wanted === (config.User ?? ''),
    }),
    cwd: cwd === '' ? first.cwd : cwd,
    user: {
      uid: user.uid,
      gid: user.gid,
      ...(user.additionalGids.length === 0 ? {} : { additionalGids: [...user.additionalGids] }),
    },
    capabilities: capabilitySets(names, { root: user.uid === 0 }),
  };
}

function execEnvironment(
  first: readonly string[],
  own: readonly string[],
  { tty, home, sameUser }: { readonly tty: boolean; readonly home: string; readonly sameUser: boolean },
): string[] {
  const nameOf = (word: string) => word.split('=', 1)[0] ?? '';
  const set = new Set(own.map(nameOf));
  const kept = first.filter((word) => !set.has(nameOf(word)) && (sameUser || !word.startsWith('HOME=')));
  const all = [...kept, ...own.filter((word) => word.includes('='))];
  const has = (name: string) => all.some((word) => nameOf(word) === name);
  return [...all, ...(tty && !has('TERM') ? ['TERM=xterm'] : []), ...(has('HOME') ? [] : [`HOME=${home}`])];
}

// eslint-disable-next-line @typescript-eslint/require-await -- a stream like any other
async function* sayOnly(text: string): AsyncGenerator<OutputChunk> {
  yield { stream: 1, payload: Buffer.from(`${text}\r\n`) };
}

/** @throws `container/exec-failed` */
function throwIfFailed(container: Container, reason: string | undefined): void {
  if (reason === undefined) return;
  throw new TscomposeError({
    code: 'container/exec-failed',
    message: reason,
    facts: { containerId: container.id },
  });
}

/** A runtime that cannot run the command says so on stderr too, just before it ends. */
const complaintMs = 100;

function looksLikeComplaint(payload: Buffer): boolean {
  return /^(?:executable file|open executable|exec|chdir)\b/.test(payload.subarray(0, 64).toString());
}

/** Both streams in the order of arrival, then, for a process that never ran, the reason. */
async function* mergeOutput(
  { stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable | undefined },
  shown: { readonly stdout: boolean; readonly stderr: boolean },
  failure: Promise<string | undefined>,
  tty: boolean,
): AsyncGenerator<OutputChunk> {
  const queue: OutputChunk[] = [];
  let wake: (() => void) | undefined;
  let open = 0;
  const spoken = { bytes: 0, toStderr: false };
  let held: Buffer | undefined;
  const letGo = () => {
    if (held !== undefined) queue.push({ stream: 2, payload: held });
    held = undefined;
  };
  const sources = [
    [1, stdout, shown.stdout],
    [2, stderr, shown.stderr],
  ] as const;
  for (const [stream, source, isShown] of sources) {
    if (source === undefined) continue;
    open += 1;
    source.on('data', (payload: Buffer) => {
      if (stream === 2 && isShown) letGo(); // a runtime says no more than one thing
      if (stream === 2 && isShown && !spoken.toStderr && looksLikeComplaint(payload)) {
        held = payload;
        open += 1; // until it is known whose words they are
        void Promise.race([failure, sleep(complaintMs, undefined)]).then((reason) => {
          if (reason === undefined) letGo();
          open -= 1;
          wake?.();
        });
      } else if (isShown) queue.push({ stream, payload });
      if (stream === 2) spoken.toStderr = true;
      spoken.bytes += payload.length;
      if (queue.length > 64) source.pause(); // the reader is slow; the process then waits like on any pipe
      wake?.();
    });
    source.on('error', () => source.destroy());
    source.once('close', () => {
      open -= 1;
      wake?.();
    });
  }
  try {
    while (open > 0 || queue.length > 0) {
      const next = queue.shift();
      if (next === undefined) {
        stdout.resume();
        stderr?.resume();
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
      } else yield next;
    }
    const reason = await failure; // and with it the exit code, which clients ask for as soon as this ends
    if (reason !== undefined && !(tty && spoken.bytes > 0)) yield { stream: 1, payload: Buffer.from(`${reason}\r\n`) };
  } finally {
    // The reader left: what the process still writes is read and dropped, so that it can go on.
    for (const source of [stdout, stderr]) source?.removeAllListeners('data').resume();
  }
}
