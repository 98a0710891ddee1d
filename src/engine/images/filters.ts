import type { Filters } from '../../api/common.js';
import { TscomposeError } from '../../base/errors.js';
import { parseGoDuration } from '../../base/go-duration.js';
import { hasLabel } from '../../base/label-filter.js';
import { parseReference } from '../../registry/index.js';
import type { Image } from './types.js';

function invalidFilter(filter: string, value?: string): TscomposeError<'image/invalid-filter'> {
  return new TscomposeError({
    code: 'image/invalid-filter',
    message: value === undefined ? `invalid filter '${filter}'` : `invalid filter '${filter}=[${value}]'`,
    facts: { filter, ...(value === undefined ? {} : { value }) },
  });
}

/** @throws `image/invalid-filter` for a key that is not in `accepted` */
export function checkFilters(filters: Filters, accepted: readonly string[]): void {
  for (const key of Object.keys(filters)) if (!accepted.includes(key)) throw invalidFilter(key);
}

/** A filter that is yes, no or not given. @throws `image/invalid-filter` */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters[key] ?? [];
  if (values.length === 0) return undefined;
  const parsed = values.map((value) => {
    if (['1', 'true'].includes(value.toLowerCase())) return true;
    if (['0', 'false'].includes(value.toLowerCase())) return false;
    throw invalidFilter(key, value);
  });
  const [first] = parsed;
  if (parsed.some((value) => value !== first)) throw invalidFilter(key, values.join(' '));
  return first;
}

/** `label` must all match, `label!` none; `k` alone asks for the label, `k=v` for its value. */
export function matchesLabels(image: Image, filters: Filters): boolean {
  const labels = image.config.config?.Labels ?? {};
  const has = (wanted: string) => hasLabel(labels, wanted);
  return (filters['label'] ?? []).every(has) && !(filters['label!'] ?? []).some(has);
}

/**
 * The `until` filter: a Go duration before now (`24h`, `1h30m`), unix seconds, or a date.
 * @returns milliseconds since 1970, the earliest of several; undefined when not given
 * @throws `image/invalid-filter`
 */
export function untilFilter(filters: Filters, nowMs: number): number | undefined {
  const times = (filters['until'] ?? []).map((value) => {
    if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1_000;
    const spanNs = parseGoDuration(value);
    if (spanNs !== undefined) return nowMs - spanNs / 1e6;
    const ms = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : NaN;
    if (Number.isNaN(ms)) throw invalidFilter('until', value);
    return ms;
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Whether a familiar name matches a pattern of `reference`: with or without its tag, `*` and `?` within one path part. */
export function matchesReference(familiar: string, pattern: string): boolean {
  const expression = globExpression(pattern);
  if (expression.test(familiar)) return true;
  return expression.test(parseReference(familiar).familiarRepository);
}

/** Go's path.Match. @throws `image/invalid-filter` */
function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\[\^?[^\]]*\]|\\.|[*?.+^${}()|/-]|\[/g, (token) => {
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.length > 1) return token;
    return `\\${token}`;
  });
  try {
    return new RegExp(`^${source}$`);
  } catch (cause) {
    throw new TscomposeError({
      code: 'image/invalid-filter',
      message: `invalid filter 'reference=[${pattern}]'`,
      facts: { filter: 'reference', value: pattern },
      cause,
    });
  }
}
