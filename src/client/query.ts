import type { Filters } from '../api/common.js';

export type QueryValue = string | number | boolean | readonly string[] | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

/** `?a=1&b=2`, or nothing. `undefined` and `false` are left out, `true` is `1`, a list repeats its key. */
export function encodeQuery(query: Query): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'object') for (const item of value) search.append(key, item);
    else search.append(key, value === true ? '1' : String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** The form all engines since API 1.22 read: `{"label":{"a=b":true}}`. Undefined when nothing is filtered. */
export function encodeFilters(filters: Filters | undefined): string | undefined {
  const keys = Object.entries(filters ?? {}).filter(([, values]) => values.length > 0);
  if (keys.length === 0) return undefined;
  const asSets = keys.map(([key, values]) => [key, Object.fromEntries(values.map((value) => [value, true]))] as const);
  return JSON.stringify(Object.fromEntries(asSets));
}

/** JSON for a query parameter, or undefined for an absent or empty map or list. */
export function encodeJson(
  value: Readonly<Record<string, unknown>> | readonly unknown[] | undefined,
): string | undefined {
  return value === undefined || Object.keys(value).length === 0 ? undefined : JSON.stringify(value);
}
