const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Decimal units and three digits, as docker writes sizes: `4.27MB`. */
export function humanSize(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${Number(value.toPrecision(3))}${units[power] ?? 'B'}`;
}
