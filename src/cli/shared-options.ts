import { TscomposeError } from '../base/errors.js';

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
    const message = '--wait-timeout: a time cannot be negative';
    throw new TscomposeError({ code: 'usage/invalid', message, facts: { argument: '--wait-timeout' } });
  }
  const timeout = new AbortController();
  const reason = new TscomposeError({
    code: 'cli/wait-timeout',
    message: `application not healthy after ${seconds}s`,
    facts: { seconds },
    hint: 'tscompose ps shows how far it came, tscompose logs why',
  });
  setTimeout(() => {
    timeout.abort(reason);
  }, seconds * 1_000).unref();
  return AbortSignal.any([signal, timeout.signal]);
}

/** `SERVICE=NUM` of `--scale`. @throws `usage/invalid` */
export function parseScale(entries: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [, service, count] = /^(.+)=(\d+)$/.exec(entry) ?? [];
      if (service !== undefined && count !== undefined) return [service, Number(count)] as const;
      const message = `--scale: "${entry}" is not of the form SERVICE=NUM`;
      throw new TscomposeError({ code: 'usage/invalid', message, facts: { argument: '--scale' } });
    }),
  );
}
