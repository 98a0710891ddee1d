import { parseGoDuration } from '../base/go-duration.js';
import { invalidUsage } from '../base/invalid-usage.js';

/**
 * `--since` and `--until`: a Go duration back from now (`1h30m`), Unix seconds, or a date, which without zone is local.
 * @returns Unix seconds with fraction, as the Engine API takes them
 * @throws `usage/invalid`
 */
export function parseMoment(flag: string, text: string, nowMs: number): string {
  if (/^\d+(?:\.\d+)?$/.test(text)) return text;
  const seconds = durationSeconds(text);
  if (seconds !== undefined) return (nowMs / 1_000 - seconds).toFixed(9);
  // A date alone is UTC for Date, local for docker.
  const date = Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(date)) return (date / 1_000).toFixed(3);
  throw invalidUsage(
    flag,
    `${flag}: "${text}" is neither a date nor a duration`,
    'for example 2026-01-31T12:00:00, or 10m for ten minutes ago',
  );
}

/** A length of time: a Go duration (`1m30s`), or a number of seconds. @throws `usage/invalid` */
export function parseSeconds(flag: string, text: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : durationSeconds(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw invalidUsage(flag, `${flag}: "${text}" is no length of time`, 'for example 90s or 10m');
}

function durationSeconds(text: string): number | undefined {
  const ns = parseGoDuration(text);
  return ns === undefined ? undefined : ns / 1e9;
}
