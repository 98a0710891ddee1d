import { statSync } from 'node:fs';
import { uptime } from 'node:os';
import type { LostRun } from '../../api/tscompose.js';
import type { Container } from './container.js';
import { logPathOf, type Room } from './room.js';
import { nowNs, parseTime, renderTime } from './time.js';

/** What can still be said of a run that ended unseen: it is of before the host's start, or of this one. */
export function lostRun(room: Room, { id, state }: Container): LostRun {
  const now = nowNs();
  const bootNs = now - BigInt(Math.round(uptime() * 1e9));
  const startedNs = parseTime(state.startedAt) ?? now;
  const cause = startedNs < bootNs ? 'host' : 'monitor';
  const before = cause === 'host' ? bootNs : now;
  const wroteMs = statSync(logPathOf(room, id), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const wroteNs = BigInt(Math.round(wroteMs * 1e6));
  const lastNs = wroteNs > startedNs ? wroteNs : startedNs;
  return { Cause: cause, After: renderTime(lastNs < before ? lastNs : before), Before: renderTime(before) };
}
