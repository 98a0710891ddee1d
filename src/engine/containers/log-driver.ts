import { existsSync } from 'node:fs';
import type { LogConfig } from '../../api/container.js';
import { messageOf, TscomposeError } from '../../base/errors.js';
import { notBool, parseBool } from '../../base/go-bool.js';
import type { Container } from './container.js';
import { invalidConfig } from './errors.js';
import { parseSize } from './log-rotation.js';
import type { ContainerRecord } from './record.js';
import type { Room } from './room.js';
import { SyslogForward } from './syslog-forward.js';
import { renderTag } from './syslog-message.js';
import { checkSyslogOptions, readSyslogTarget } from './syslog-options.js';
import { openSyslogSink, type SyslogSink } from './syslog-sink.js';

const journalSocket = '/run/systemd/journal/socket';
const naming = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const rotating = ['max-size', 'max-file', 'compress'];

/**
 * Options of each driver. All but `none` keep the log in one and the same file; `journald` and `syslog` write elsewhere
 * besides, as dockerd's do that keep a copy for `logs`.
 */
const drivers: Readonly<Record<string, readonly string[] | 'any'>> = {
  'json-file': [...rotating, ...naming],
  'k8s-file': 'any',
  local: rotating,
  journald: naming,
  none: 'any',
  syslog: ['syslog-address', 'syslog-facility', 'syslog-format', ...naming],
};

/** Of all drivers: whether a container may wait for its log, and the copy of drivers that nobody can read. */
const common = ['mode', 'max-buffer-size', 'cache-disabled', 'cache-max-size', 'cache-max-file', 'cache-compress'];

/** What no host could do. @throws `container/invalid-config` */
export function checkLogConfig(logConfig: LogConfig | undefined): void {
  const { Type, Config } = logConfig ?? {};
  const driver = Type === undefined || Type === '' ? 'json-file' : Type;
  const known = drivers[driver];
  if (known === undefined) {
    throw invalidConfig('LogConfig', `error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  }
  checkMode(Config ?? {});
  const unknown = Object.keys(Config ?? {}).find(
    (option) => known !== 'any' && !known.includes(option) && !common.includes(option),
  );
  if (unknown === undefined) {
    if (driver === 'syslog') checkSyslogOptions(Config ?? {});
    return;
  }
  const where = driver === 'local' ? 'log driver local' : `${driver} log driver`;
  throw invalidConfig('LogConfig', `unknown log opt '${unknown}' for ${where}`);
}

/** The monitor takes what a container writes without waiting for anybody, so that both modes come to the same. */
function checkMode({ mode = '', 'max-buffer-size': buffer }: Readonly<Record<string, string>>): void {
  if (!['', 'blocking', 'non-blocking'].includes(mode))
    throw invalidConfig('LogConfig', `logger: logging mode not supported: ${mode}`);
  if (buffer === undefined) return;
  if (mode !== 'non-blocking')
    throw invalidConfig('LogConfig', "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (parseSize(buffer) === undefined)
    throw invalidConfig('LogConfig', `error parsing option max-buffer-size: invalid size: '${buffer}'`);
}

/** What this host cannot do now. @throws `container/start-failed`, in dockerd's words and with what is missing */
export function requireLogDriver(containerId: string, logConfig: LogConfig | undefined): void {
  const problem = problemOf(logConfig);
  if (problem !== undefined) throw noDriver(containerId, problem.message, problem.hint);
}

/**
 * The way to the daemon for a container that logs to syslog; undefined for any other.
 * @throws `container/start-failed` when the daemon is not there; the abort reason
 */
export async function openLogSink(record: ContainerRecord, signal: AbortSignal): Promise<SyslogSink | undefined> {
  const { Type, Config } = record.hostConfig.LogConfig ?? {};
  if (Type !== 'syslog') return undefined;
  try {
    const { address, tag } = readSyslogTarget(Config ?? {});
    renderTag(tag, record);
    return await openSyslogSink(address, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw noDriver(record.id, messageOf(error), 'start the syslog daemon, or correct syslog-address and tag');
  }
}

/** Goes on sending what a container says, or what it said before it ended unseen. */
export function forwardLog(room: Room, container: Container, sink?: SyslogSink): void {
  if (container.record.hostConfig.LogConfig?.Type !== 'syslog') return;
  container.forward = new SyslogForward(room, container, sink);
}

function noDriver(containerId: string, problem: string, hint: string | undefined): TscomposeError {
  return new TscomposeError({
    code: 'container/start-failed',
    message: `failed to create task for container: failed to initialize logging driver: ${problem}`,
    facts: { containerId, exitCode: 128 },
    ...(hint === undefined ? {} : { hint }),
  });
}

function problemOf(logConfig: LogConfig | undefined): { readonly message: string; readonly hint?: string } | undefined {
  const { Type, Config } = logConfig ?? {};
  const size = Config?.['max-size'];
  const files = Config?.['max-file'];
  if (Type === 'none') return undefined;
  if (Type === 'journald' && !existsSync(journalSocket)) {
    return {
      message: `journald is not enabled on this host: there is no ${journalSocket}`,
      hint: 'leave the logging driver out, or run systemd-journald',
    };
  }
  if (size !== undefined && size !== '-1' && parseSize(size) === undefined)
    return { message: `invalid size: '${size}'` };
  if (files !== undefined && !/^\d+$/.test(files)) return { message: `invalid value for max-file: ${files}` };
  if (files !== undefined && Number(files) < 1) return { message: 'max-file cannot be less than 1' };
  return problemOfPacking(Type, Config ?? {});
}

/** Only what has been rotated away is packed, so that there must be such parts. */
function problemOfPacking(
  driver: string | undefined,
  { compress, 'max-size': size = '', 'max-file': files }: Readonly<Record<string, string>>,
): { readonly message: string } | undefined {
  const isLocal = driver === 'local';
  if (compress !== undefined && parseBool(compress) === undefined) {
    return { message: `${isLocal ? 'error reading compress log option: ' : ''}${notBool(compress)}` };
  }
  if (isLocal) {
    const isOne = files !== undefined && Number(files) === 1;
    return isOne && parseBool(compress ?? 'true') === true
      ? { message: 'compression cannot be enabled when max file count is 1' }
      : undefined;
  }
  if (compress === undefined || parseBool(compress) === false) return undefined;
  if (Number(files ?? 1) >= 2 && parseSize(size) !== undefined) return undefined;
  return { message: 'compress cannot be true when max-file is less than 2 or max-size is not set' };
}

/** Where else a container's output goes: names of the monitor's own drivers, with the tag they are given. */
export function furtherLogs(logConfig: LogConfig | undefined): {
  readonly drivers: readonly string[];
  readonly tag: string;
} {
  const { Type, Config } = logConfig ?? {};
  if (Type !== 'journald') return { drivers: [], tag: '' }; // the monitor refuses a tag that no driver of its takes
  return { drivers: ['journald'], tag: Config?.['tag'] ?? '' };
}
