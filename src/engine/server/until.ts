import { parseGoDuration } from '../../base/go-duration.js';
import { badParameter } from './errors.js';

/**
 * The moment an `until` filter of a prune means, in ms since 1970: a time, or a Go duration before now (`24h`, `1h30m`).
 * @throws `request/bad-parameter`
 */
export function parseUntil(text: string, nowMs: number): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const spanNs = parseGoDuration(text);
  if (spanNs !== undefined) return nowMs - spanNs / 1e6;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw badParameter('filters', `invalid until filter: ${JSON.stringify(text)} is neither a time nor a duration`);
  return at;
}
