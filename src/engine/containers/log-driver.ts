import { existsSync } from 'node:fs';
import type { LogConfig } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import { invalidConfig } from './errors.js';
import { parseSize } from './log-rotation.js';

const journalSocket = '/run/systemd/journal/socket';
const naming = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const rotating = ['max-size', 'max-file', 'compress'];

/**
 * Options of each driver. All but `none` keep the log in one and the same file; `journald` writes to the journal besides,
 * as dockerd's do that keep a copy for `logs`.
 */
const drivers: Readonly<Record<string, readonly string[] | 'any'>> = {
  'json-file': [...rotating, ...naming],
  'k8s-file': 'any',
  local: rotating,
  journald: naming,
  none: 'any',
};

/** What no host could do. @throws `container/invalid-config` */
export function checkLogConfig(logConfig: LogConfig | undefined): void {
  const { Type, Config } = logConfig ?? {};
  const driver = Type === undefined || Type === '' ? 'json-file' : Type;
  const known = drivers[driver];
  if (driver === 'syslog') return; // a driver of Docker's, which this host turns out not to have: see below
  if (known === undefined) {
    throw invalidConfig('LogConfig', `error looking up logging plugin ${driver}: plugin "${driver}" not found`);
  }
  const unknown = Object.keys(Config ?? {}).find((option) => known !== 'any' && !known.includes(option));
  if (unknown === undefined) return;
  const where = driver === 'local' ? 'log driver local' : `${driver} log driver`;
  throw invalidConfig('LogConfig', `unknown log opt '${unknown}' for ${where}`);
}

/** What this host cannot do now. @throws `container/start-failed`, in dockerd's words and with what is missing */
export function requireLogDriver(containerId: string, logConfig: LogConfig | undefined): void {
  const problem = problemOf(logConfig);
  if (problem === undefined) return;
  throw new TscomposeError({
    code: 'container/start-failed',
    message: `failed to create task for container: failed to initialize logging driver: ${problem.message}`,
    facts: { containerId, exitCode: 128 },
    ...(problem.hint === undefined ? {} : { hint: problem.hint }),
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
  if (Type === 'syslog') {
    return {
      message: 'this engine does not write to syslog',
      hint: 'use the driver journald, from which a syslog daemon can take its messages, or leave it out',
    };
  }
  if (size !== undefined && size !== '-1' && parseSize(size) === undefined)
    return { message: `invalid size: '${size}'` };
  if (files !== undefined && !/^\d+$/.test(files)) return { message: `invalid value for max-file: ${files}` };
  if (files !== undefined && Number(files) < 1) return { message: 'max-file cannot be less than 1' };
  return undefined;
}

/** Where else a container's output goes: names of the monitor's own drivers, with the tag they are given. */
export function furtherLogs(logConfig: LogConfig | undefined): {
  readonly drivers: readonly string[];
  readonly tag: string;
} {
  const { Type, Config } = logConfig ?? {};
  return { drivers: Type === 'journald' ? ['journald'] : [], tag: Config?.['tag'] ?? '' };
}
