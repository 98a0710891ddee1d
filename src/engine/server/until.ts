import { badParameter } from './errors.js';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * The moment an `until` filter of a prune means, in ms since 1970: a time, or a Go duration before now (`24h`, `1h30m`).
 * @throws `request/bad-parameter`
 */
export function parseUntil(text: string, nowMs: number): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    const span = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0);
    return nowMs - span;
  }
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw badParameter('filters', `invalid until filter: ${JSON.stringify(text)} is neither a time nor a duration`);
  return at;
}
