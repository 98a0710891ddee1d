import { humanDuration } from '../../base/human-duration.js';

export function ago(thenMs: number, nowMs: number): string {
  return `${humanDuration(Math.max(0, nowMs - thenMs))} ago`;
}
