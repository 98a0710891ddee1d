import { stripVTControlCharacters } from 'node:util';
import type { ContainerExtension, CrashLoop } from '../../api/tscompose.js';
import type { Container } from './container.js';
import { readLogs } from './logs.js';
import { joinedBy } from './shared-network.js';
import { steadyMs } from './restart-policy.js';
import type { Room } from './room.js';
import { nowNs, parseTime } from './time.js';

/** So many short runs in a row are no accident any more. */
export const loopExits = 3;
const longestWords = 200;
const longestReadMs = 2_000;
const longestRead = 64 * 1024;

export interface ShortRun {
  readonly exitCode: number;
  /** RFC 3339 */
  readonly endedAt: string;
  readonly lastWords: string;
}

/** One more short run. */
export function countExit(before: CrashLoop | undefined, { exitCode, endedAt, lastWords }: ShortRun): CrashLoop {
  return {
    Exits: (before?.Exits ?? 0) + 1,
    ExitCode: exitCode,
    SameCode: before === undefined || (before.SameCode && before.ExitCode === exitCode),
    Since: before?.Since ?? endedAt,
    Until: endedAt,
    LastWords: lastWords,
  };
}

/** What our own clients are told beside what Docker's shapes have. */
export function extensionOf(room: Room, container: Container): { readonly Tscompose?: ContainerExtension } {
  const { state, due, startWait, hookFailure, isLive } = container;
  const { crashes, unhealthyRestarts = 0 } = state;
  const owner = room.registry.find(joinedBy(container.record) ?? '');
  const told: ContainerExtension = {
    ...(crashes === undefined || crashes.Exits < loopExits || runsSteadily(container) ? {} : { CrashLoop: crashes }),
    ...(due && startWait !== undefined ? { StartWait: startWait } : {}),
    ...(hookFailure === undefined || !isLive ? {} : { HookFailure: hookFailure }),
    ...(unhealthyRestarts === 0 ? {} : { UnhealthyRestarts: unhealthyRestarts }),
    ...(state.oomKilled && state.memoryPeak !== undefined ? { MemoryPeak: state.memoryPeak } : {}),
    ...(state.lostRun === undefined ? {} : { LostRun: state.lostRun }),
    ...(owner === undefined ? {} : { NetworkOf: owner.id }),
  };
  return Object.keys(told).length === 0 ? {} : { Tscompose: told };
}

function runsSteadily({ isLive, state }: Container): boolean {
  const startedNs = parseTime(state.startedAt);
  return isLive && startedNs !== undefined && Number((nowNs() - startedNs) / 1_000_000n) >= steadyMs;
}

/** The last line of its log; empty where there is none, or none that can be read. */
export async function lastWordsOf(room: Room, container: Container): Promise<string> {
  const how = { follow: false, stdout: true, stderr: true, tail: 1, timestamps: false, details: false };
  let said = '';
  try {
    for await (const { payload } of readLogs(room, container, how, AbortSignal.timeout(longestReadMs)).output) {
      said += payload.toString('utf8');
      if (said.length > longestRead) break; // a line need not have an end
    }
  } catch {
    return ''; // what it said is a help, and not worth more
  }
  const [line = ''] = said.trim().split('\n').slice(-1);
  return stripVTControlCharacters(line)
    .replace(/\p{Cc}/gu, '')
    .slice(0, longestWords);
}
