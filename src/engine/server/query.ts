import type { Filters } from '../../api/common.js';
import { badParameter } from './errors.js';

/** The query of a request, read the way dockerd reads it. Absent and empty are the same, except for `list`. */
export interface Query {
  text(name: string): string | undefined;
  /** All values, for a key given several times. */
  list(name: string): readonly string[];
  /** Absent, empty, `0`, `no`, `false` and `none` are false, anything else is true. */
  flag(name: string, whenAbsent?: boolean): boolean;
  /** Decimal. @throws `request/bad-parameter` */
  integer(name: string): number | undefined;
  /** A JSON value. @throws `request/bad-parameter` */
  json(name: string): unknown;
  /** Unix seconds with an optional fraction, or RFC 3339. @throws `request/bad-parameter` */
  timeNs(name: string): bigint | undefined;
  /** Either form of `filters`; keys outside `known` are refused. @throws `request/bad-parameter` */
  filters(known?: readonly string[]): Filters;
}

export function parseQuery(search: string): Query {
  const values = new URLSearchParams(search);
  const text = (name: string) => values.get(name) || undefined;
  return {
    text,
    list: (name) => values.getAll(name),
    flag: (name, whenAbsent = false) => {
      const value = values.get(name);
      return value === null ? whenAbsent : !/^(?:|0|no|false|none)$/i.test(value.trim());
    },
    integer: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^[+-]?\d{1,15}$/.test(value))
        throw badParameter(name, `invalid value for ${name}: ${JSON.stringify(value)} is not a number`);
      return Number(value);
    },
    json: (name) => {
      const value = text(name);
      return value === undefined ? undefined : parseJson(name, value);
    },
    timeNs: (name) => {
      const value = text(name);
      return value === undefined ? undefined : parseTimeNs(name, value);
    },
    filters: (known) => {
      const value = text('filters');
      const filters = value === undefined ? {} : parseFilters(value);
      const unknown = Object.keys(filters).find((key) => known?.includes(key) === false);
      if (unknown !== undefined) throw badParameter('filters', `invalid filter '${unknown}'`);
      return filters;
    },
  };
}

function parseJson(name: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw badParameter(name, `invalid ${name}: not JSON`);
  }
}

/** `{"label":{"a=b":true}}`, or from clients older than API 1.22 `{"label":["a=b"]}`. */
export function parseFilters(text: string): Filters {
  const value = parseJson('filters', text);
  const wrong = () => badParameter('filters', 'invalid filter: not a map of lists or sets');
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong();
  const filters: Record<string, readonly string[]> = {};
  for (const [key, entry] of Object.entries(value as Record<string, unknown>)) {
    if (Array.isArray(entry) && entry.every((item) => typeof item === 'string')) filters[key] = entry;
    else if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) {
      filters[key] = Object.entries(entry as Record<string, unknown>).flatMap(([item, on]) =>
        on === false ? [] : [item],
      );
    } else throw wrong();
  }
  return filters;
}

function parseTimeNs(name: string, value: string): bigint | undefined {
  const seconds = /^(-?\d{1,18})(?:\.(\d{1,9})\d*)?$/.exec(value);
  if (seconds !== null) return BigInt(seconds[1] ?? '0') * 1_000_000_000n + BigInt((seconds[2] ?? '').padEnd(9, '0'));
  const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(value);
  const wholeMs = stamp === null ? NaN : Date.parse(`${stamp[1] ?? ''}${stamp[3] ?? ''}`);
  if (Number.isNaN(wholeMs))
    throw badParameter(name, `invalid value for ${name}: ${JSON.stringify(value)} is not a time`);
  return BigInt(wholeMs) * 1_000_000n + BigInt((stamp?.[2] ?? '').padEnd(9, '0'));
}
