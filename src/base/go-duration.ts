const unitNs: Readonly<Record<string, number>> = {
  ...{ ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 }, // with the micro sign, and with the Greek letter
  ...{ m: 60e9, h: 3_600e9 },
};

/** A length of time as Go's `time.ParseDuration` reads it, `1h2m3.5s`, in whole nanoseconds; undefined when it is none. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let total = 0;
  let length = 0;
  for (const [whole, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(amount) * (unitNs[unit] ?? 0);
    length += whole.length;
  }
  return length === text.length && length > 0 ? Math.round(total) : undefined;
}
