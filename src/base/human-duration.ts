/** A duration the way docker's tables say it: `Less than a second`, `About a minute`, `3 hours`. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1_000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.round(durationMs / 3_600_000);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return count(seconds, 'second');
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return count(minutes, 'minute');
  if (hours === 1) return 'About an hour';
  if (hours < 48) return count(hours, 'hour');
  if (hours < 24 * 7 * 2) return count(hours / 24, 'day');
  if (hours < 24 * 30 * 2) return count(hours / 24 / 7, 'week');
  if (hours < 24 * 365 * 2) return count(hours / 24 / 30, 'month');
  return count(durationMs / 3_600_000 / 24 / 365, 'year');
}

function count(value: number, unit: string): string {
  const whole = Math.floor(value);
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
}
