import type { HealthConfig } from '../../api/container.js';
import { parseGoDuration } from '../../base/go-duration.js';
import type { HealthCheck } from '../../compose/index.js';

/** Undefined where the image's own health check holds. */
export function healthConfig(check: HealthCheck | undefined): HealthConfig | undefined {
  if (check === undefined) return undefined;
  if (check.disable === true || check.test?.[0] === 'NONE') return { Test: ['NONE'] };
  const times = {
    Interval: check.interval,
    Timeout: check.timeout,
    StartPeriod: check.start_period,
    StartInterval: check.start_interval,
  };
  return {
    ...(check.test === undefined ? {} : { Test: [...check.test] }),
    ...Object.fromEntries(
      Object.entries(times).flatMap(([key, text]) => (text === undefined ? [] : [[key, parseGoDuration(text) ?? 0]])),
    ),
    ...(check.retries === undefined ? {} : { Retries: check.retries }),
  };
}
