import { TscomposeError } from '../base/errors.js';
import { invalidUsage } from '../base/invalid-usage.js';
import { timerMs } from '../base/timer.js';
import type { UpOptions } from '../plan/index.js';
import { booleanSetting } from './terminal.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/wait-timeout': { readonly seconds: number };
  }
}

/** `--timeout` as the planner takes it: absent leaves each container its own setting. */
export function timeoutOf(timeout: number | undefined): { readonly timeoutS?: number } {
  return timeout === undefined ? {} : { timeoutS: timeout };
}

/**
 * A signal that fires after `--wait-timeout` as well, with `cli/wait-timeout`; absent and 0 never do.
 * @throws `usage/invalid` for a negative time
 */
export function withinSeconds(signal: AbortSignal, seconds: number | undefined): AbortSignal {
  if (seconds === undefined || seconds === 0) return signal;
  if (seconds < 0) {
    throw invalidUsage('--wait-timeout', '--wait-timeout: a time cannot be negative');
  }
  const timeout = new AbortController();
  const reason = new TscomposeError({
    code: 'cli/wait-timeout',
    message: `application not healthy after ${seconds}s`,
    facts: { seconds },
    hint: 'tscompose why says what is missing',
  });
  setTimeout(
    () => {
      timeout.abort(reason);
    },
    timerMs(seconds * 1_000),
  ).unref();
  return AbortSignal.any([signal, timeout.signal]);
}

/** `SERVICE=NUM` of `--scale`. @throws `usage/invalid` */
export function parseScale(entries: readonly string[], argument = '--scale'): Readonly<Record<string, number>> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [, service, count] = /^(.+)=(\d+)$/.exec(entry) ?? [];
      if (service !== undefined && count !== undefined) return [service, Number(count)] as const;
      throw invalidUsage(argument, `${argument}: "${entry}" is not of the form SERVICE=NUM`);
    }),
  );
}

/** @throws `usage/invalid` when both are given */
export function excludeEachOther(one: string, oneGiven: boolean, other: string, otherGiven: boolean): void {
  if (oneGiven && otherGiven) throw invalidUsage(one, `${one} and ${other} exclude each other`);
}

/** `--build`, `--no-build` and `--pull`. @throws `usage/invalid` */
export function imageOptions(
  build: boolean,
  pull: string | undefined,
  noBuild = false,
): Pick<UpOptions, 'build' | 'pull'> {
  const policy = pullPolicy(pull);
  return {
    build: noBuild ? 'never' : build || pull === 'build' ? 'always' : 'missing',
    ...(policy === undefined ? {} : { pull: policy }),
  };
}

function pullPolicy(value: string | undefined): 'always' | 'missing' | 'never' | undefined {
  switch (value) {
    case undefined:
    case 'policy':
    case 'build':
      return undefined;
    case 'always':
    case 'missing':
    case 'never':
      return value;
    case 'if_not_present':
      return 'missing';
    default:
      throw invalidUsage('--pull', `--pull: "${value}" is none of always, missing and never`);
  }
}

/** `--remove-orphans` of up, down and kill, which alone have `COMPOSE_REMOVE_ORPHANS` for its default. */
export function removesOrphans(flag: boolean | undefined, setting: string | undefined): boolean {
  return flag ?? booleanSetting(setting) ?? false;
}

/** What becomes of orphans, with `COMPOSE_IGNORE_ORPHANS`. @throws `usage/invalid` */
export function orphanOptions(
  removeOrphans: boolean,
  environment: Readonly<Record<string, string>>,
): { readonly removeOrphans: boolean; readonly ignoreOrphans: boolean } {
  const ignoreOrphans = booleanSetting(environment['COMPOSE_IGNORE_ORPHANS']) ?? false;
  if (removeOrphans && ignoreOrphans) {
    throw invalidUsage('--remove-orphans', '--remove-orphans and COMPOSE_IGNORE_ORPHANS exclude each other');
  }
  return { removeOrphans, ignoreOrphans };
}
