import { closeSync, writeSync, openSync, constants, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { TscomposeError, errnoOf, messageOf } from '../../base/errors.js';
import { openSeqpacket, spawnFast } from '../sys/index.js';
import { createFailure } from './create-failure.js';
import { openPipe, pipeStream } from './pipe.js';
import { type RuntimeProgram, programOf, globalArguments, lastLine } from './runtime.js';

export interface MonitoredContainer {
  readonly id: string;
  readonly name: string;
  /** Holds `config.json`; the monitor puts its own files there. */
  readonly bundle: string;
  /** Where the exit code appears, as `<exits>/<id>`, by rename. */
  readonly exits: string;
  /** Undefined keeps no log. */
  readonly logPath: string | undefined;
  /** Drivers of the monitor's own that get the output too, such as `journald`. */
  readonly furtherLogs?: { readonly drivers: readonly string[]; readonly tag: string };
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Whether the first attached client's end of input is the container's; otherwise its input stays open. */
  readonly stdinOnce: boolean;
  /** First word of the command, for messages. */
  readonly program: string;
  /** Absent: the standard one. */
  readonly runtime?: RuntimeProgram;
}

export interface CreatedContainer {
  readonly pid: number;
  readonly monitorPid: number;
}

/**
 * Creates a container under a conmon of its own, which outlives us: it keeps the log, the terminal and the exit code.
 * The container waits for `startContainer`.
 * @throws `oci/create-failed` with the runtime's words; `oci/no-monitor`
 */
export async function createMonitored(
  runtime: RuntimeProgram,
  container: MonitoredContainer,
  signal: AbortSignal,
): Promise<CreatedContainer> {
  await mkdir(container.exits, { recursive: true, mode: 0o700 });
  signal.throwIfAborted(); // from here to the listener below nothing waits
  const sync = openPipe('read', container.bundle);
  const stream = pipeStream(sync.fd, 'read');
  try {
    spawnFast({
      file: 'conmon',
      args: monitorArguments(runtime, container),
      env: { ...programOf(runtime).env, _OCI_SYNCPIPE: '3' },
      cwd: container.bundle, // it drops an `oom` file where it stands
      stdio: { 3: sync.childFd },
      newSession: true,
    });
  } catch (cause) {
    stream.destroy();
    throw missingMonitor(cause);
  } finally {
    closeSync(sync.childFd);
  }
  const abort = () => stream.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const said = await firstLine(stream);
    signal.throwIfAborted();
    return { pid: readSync(said, runtime, container.program), monitorPid: readMonitorPid(container.bundle) ?? 0 };
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
}

function monitorArguments(runtime: RuntimeProgram, container: MonitoredContainer): string[] {
  const { id, name, bundle, exits, logPath, furtherLogs, tty, stdin, stdinOnce } = container;
  return [
    ...['--api-version', '1', '-c', id, '-u', id, '-n', name, '-r', programOf(runtime).file, '-b', bundle],
    ...['-p', join(bundle, 'pid'), '-P', join(bundle, 'conmon.pid')],
    ...['--exit-dir', exits, '--persist-dir', bundle, '--full-attach', '--no-sync-log'],
    ...(logPath === undefined ? ['-l', 'none'] : ['-l', `k8s-file:${logPath}`]),
    ...(furtherLogs?.drivers ?? []).flatMap((driver) => ['-l', driver]),
    ...(furtherLogs === undefined || furtherLogs.tag === '' ? [] : ['--log-tag', furtherLogs.tag]),
    ...globalArguments(runtime).flatMap((word) => ['--runtime-arg', word]),
    ...(tty ? ['-t'] : []),
    ...(stdin ? ['-i'] : []),
    ...(stdin && !stdinOnce ? ['--leave-stdin-open'] : []),
  ];
}

/** The rest of the sync pipe stays open as long as the monitor lives, so its end cannot be waited for. */
function firstLine(stream: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n') || isWhole(text)) resolve(text);
    });
    stream.on('error', reject);
    stream.on('close', () => {
      resolve(text);
    });
  });
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // more to come
  }
}

/** `{"data": pid}`, in older versions `{"pid": pid}`; -1 with a `message` when the runtime failed. */
function readSync(line: string, runtime: RuntimeProgram, program: string): number {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw createFailure(runtime, line.trim() === '' ? 'the monitor ended without a word' : line.trim(), program);
  }
  if (typeof value !== 'object' || value === null) throw createFailure(runtime, line.trim(), program);
  const pid = 'data' in value ? value.data : 'pid' in value ? value.pid : undefined;
  if (typeof pid === 'number' && pid > 0) return pid;
  const message = 'message' in value && typeof value.message === 'string' ? value.message : 'the runtime failed';
  throw createFailure(runtime, lastLine(message), program); // conmon hands on the runtime's whole log
}

function missingMonitor(cause: unknown): unknown {
  const missing = errnoOf(cause) === 'ENOENT' || messageOf(cause).includes('ENOENT');
  if (!missing) return cause;
  return new TscomposeError({
    code: 'oci/no-monitor',
    message: 'cannot find the program conmon',
    facts: { tool: 'conmon' },
    hint: 'install the package conmon',
    cause,
  });
}

/** The pid that the monitor of a bundle wrote, undefined before it did. */
export function readMonitorPid(bundle: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(bundle, 'conmon.pid'), 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Raw bytes in; packets of one stream byte (2 stdout, 3 stderr) and up to 8 KB out. Always read it: see the README. */
export function connectAttach(bundle: string): Promise<Socket> {
  return openSeqpacket(join(bundle, 'attach'));
}

/** @throws when the monitor is gone */
export function resizeTerminal(bundle: string, size: { readonly rows: number; readonly columns: number }): void {
  writeControl(bundle, `1 ${size.rows} ${size.columns}\n`);
}

/** After the log file was renamed: the monitor goes on in a new one. */
export function reopenLog(bundle: string): void {
  writeControl(bundle, '2 0 0\n');
}

function writeControl(bundle: string, words: string): void {
  const fd = openSync(join(bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, words);
  } finally {
    closeSync(fd);
  }
}
