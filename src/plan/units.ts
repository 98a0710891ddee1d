const secondsPerUnit: Readonly<Record<string, number>> = {
  h: 3_600,
  m: 60,
  s: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
};

/** Go's duration text (`1m30s`, `1.5s`) in nanoseconds; undefined when it is not one. */
export function durationNs(text: string): number | undefined {
  let rest = text;
  let ns = 0;
  if (rest === '0') return 0;
  while (rest !== '') {
    const match = /^(\d+(?:\.\d*)?|\.\d+)(h|ms|us|µs|ns|m|s)/.exec(rest);
    const unit = secondsPerUnit[match?.[2] ?? ''];
    if (match === null || unit === undefined) return undefined;
    ns += Number(match[1]) * unit * 1e9;
    rest = rest.slice(match[0].length);
  }
  return Math.round(ns);
}

/** Whole seconds as the engine takes them for grace periods: rounded, as docker compose does. */
export function durationS(text: string): number | undefined {
  const ns = durationNs(text);
  return ns === undefined ? undefined : Math.round(ns / 1e9);
}

/** A decimal text of the model as a number; undefined for an absent or empty one. */
export function integer(text: string | number | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
