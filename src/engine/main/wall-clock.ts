/**
 * Unix nanoseconds, to the microsecond: Node's wall clock has only milliseconds, its steady clock more, but that one
 * does not follow when the wall clock is set.
 */
export function wallClockNs(): bigint {
  const wallMs = Date.now();
  const steadyMs = performance.timeOrigin + performance.now();
  const ms = Math.abs(steadyMs - wallMs) < 2 ? steadyMs : wallMs;
  return BigInt(Math.round(ms * 1_000)) * 1_000n;
}
