import { parseGoDuration } from '../base/go-duration.js';
import { invalidUsage } from '../base/invalid-usage.js';

/**
 * A moment as the API wants it: unix seconds with nanoseconds. People write unix seconds, RFC 3339 (where a missing zone
 * is the local one, and time of day, minutes or seconds may be left out), or a Go duration before now such as `1h30m`.
 * @throws `usage/invalid`
 */
export function encodeMoment(value: string | number | undefined, nowMs: number = Date.now()): string | undefined {
  if (value === undefined) return undefined;
  const text = String(value).trim();
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  const spanNs = parseGoDuration(text);
  if (spanNs !== undefined) return secondsOf(BigInt(nowMs) * 1_000_000n - BigInt(spanNs));
  const stamp = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/i.exec(text);
  const [, date = '', hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = stamp ?? [];
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) {
    throw invalidUsage(
      undefined,
      `${JSON.stringify(text)} is not a moment`,
      'write 2026-01-31T08:30:00Z, unix seconds, or a duration before now such as 10m',
    );
  }
  return secondsOf(BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}

function secondsOf(ns: bigint): string {
  const [whole, rest] = [ns / 1_000_000_000n, ns % 1_000_000_000n];
  return rest === 0n ? String(whole) : `${whole}.${String(rest).padStart(9, '0')}`;
}
