const startedAtNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Unix nanoseconds, finer than a millisecond between two calls. */
export function nowNs(): bigint {
  const now = startedAtNs + process.hrtime.bigint();
  // The two clocks drift apart when the host's is set; the wall clock is the one that people compare.
  const wall = BigInt(Date.now()) * 1_000_000n;
  const off = now > wall ? now - wall : wall - now;
  return off > 2_000_000n ? wall : now;
}

/** RFC 3339 in UTC with nanoseconds. */
export function renderTime(ns: bigint): string {
  const seconds = ns / 1_000_000_000n;
  const fraction = String(ns % 1_000_000_000n).padStart(9, '0');
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Unix nanoseconds of an RFC 3339 time with any number of decimals and any offset; undefined when it is none. */
export function parseTime(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [, day = '', clock = '', fraction = '', zone = ''] = match;
  const ms = Date.parse(`${day}T${clock}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
