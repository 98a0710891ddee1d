/** Milliseconds, 24.8 days: a timer of Node that is to wait longer does not wait at all. */
const longestTimerMs = 0x7fff_ffff;

/** A wait as timers take it: what is longer than they can ends early, and what is to happen then looks again or happens. */
export function timerMs(ms: number): number {
  return Math.min(ms, longestTimerMs);
}
