const unitsNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's `time.ParseDuration`: `1h2m3.5s` in nanoseconds; undefined when it is none. */
export function parseDurationNs(text: string): number | undefined {
  if (text === '0') return 0;
  const parts = text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gu);
  let total = 0;
  let length = 0;
  for (const [whole, amount = '', unit = ''] of parts) {
    total += Number(amount) * (unitsNs[unit] ?? 0);
    length += whole.length;
  }
  return length === text.length && length > 0 ? Math.round(total) : undefined;
}
