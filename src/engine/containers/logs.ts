import { TscomposeError } from '../../base/errors.js';
import type { Container } from './container.js';
import { type LogEntry, TimeReader } from './log-entry.js';
import { atBeginning, atTail, atTime, readLog } from './log-reader.js';
import { logPathOf, type Room } from './room.js';
import { renderTime } from './time.js';
import type { LogOptions, OutputChunk, OutputStream } from './types.js';

/** @throws `container/no-log` for a container that keeps none */
export function readLogs(room: Room, container: Container, options: LogOptions, signal: AbortSignal): OutputStream {
  const { config, hostConfig } = container.record;
  requireLog(container);
  const path = logPathOf(room, container.id);
  const start = () => {
    if (options.tail !== 'all') return atTail(path, options.tail, signal);
    return options.sinceNs === undefined ? atBeginning(path) : atTime(path, options.sinceNs);
  };
  const until = options.follow && isRunning(container) ? endOfRun(container, signal) : undefined;
  const filter: EntryFilter = {
    ...options,
    prefix: options.details ? detailsOf(config.Env ?? [], config.Labels ?? {}, hostConfig.LogConfig?.Config ?? {}) : '',
  };
  return {
    tty: config.Tty === true,
    output: chunksOf(readLog(path, start, { ...(until === undefined ? {} : { until }), signal }), filter),
  };
}

function requireLog({ record }: Container): void {
  const driver = record.hostConfig.LogConfig?.Type ?? '';
  if (driver !== 'none') return;
  throw new TscomposeError({
    code: 'container/no-log',
    message: 'configured logging driver does not support reading',
    facts: { driver },
  });
}

function isRunning({ state }: Container): boolean {
  return ['running', 'paused', 'starting'].includes(state.status);
}

/** Settles when the present run, or the one being started, is over; also when the reader has left. */
export function endOfRun(container: Container, signal: AbortSignal): Promise<void> {
  return container.wait('next-exit', signal).then(
    () => undefined,
    () => undefined, // the reader left
  );
}

export interface EntryFilter {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly sinceNs?: bigint;
  readonly untilNs?: bigint;
  readonly timestamps: boolean;
  /** Before every line, after its time. */
  readonly prefix: string;
}

/** Whatever follows a log's end without options: everything, as it was written. */
export const everything: EntryFilter = { stdout: true, stderr: true, timestamps: false, prefix: '' };

/** Entries as output. Neighbours of one stream are put together: a chunk is any number of lines, not one. */
export async function* chunksOf(batches: AsyncIterable<LogEntry[]>, filter: EntryFilter): AsyncGenerator<OutputChunk> {
  const times = new TimeReader();
  const midLine = { 1: false, 2: false };
  for await (const entries of batches) {
    let stream: 1 | 2 = 1;
    let pieces: Buffer[] = [];
    for (const entry of entries) {
      const begins = !midLine[entry.stream];
      midLine[entry.stream] = entry.partial;
      if (!(entry.stream === 1 ? filter.stdout : filter.stderr)) continue;
      if (filter.sinceNs !== undefined && times.read(entry.time) < filter.sinceNs) continue;
      if (filter.untilNs !== undefined && times.read(entry.time) > filter.untilNs) {
        if (pieces.length > 0) yield { stream, payload: Buffer.concat(pieces) };
        return;
      }
      if (entry.stream !== stream && pieces.length > 0) {
        yield { stream, payload: Buffer.concat(pieces) };
        pieces = [];
      }
      stream = entry.stream;
      if (begins && filter.timestamps) pieces.push(Buffer.from(`${renderTime(times.read(entry.time))} `));
      if (begins && filter.prefix !== '') pieces.push(Buffer.from(filter.prefix));
      pieces.push(entry.payload);
    }
    if (pieces.length > 0) yield { stream, payload: Buffer.concat(pieces) };
  }
}

/** `docker logs --details`: the labels and variables that the log options name. */
function detailsOf(
  env: readonly string[],
  labels: Readonly<Record<string, string>>,
  options: Readonly<Record<string, string>>,
): string {
  const named = (key: string, known: Readonly<Record<string, string>>): string[] => {
    const pattern = options[`${key}-regex`] ?? '';
    const matching = pattern === '' ? [] : Object.keys(known).filter((name) => new RegExp(pattern).test(name));
    return [...new Set([...(options[key] ?? '').split(',').filter((name) => name !== ''), ...matching])];
  };
  const variables = Object.fromEntries(
    env.map((word) => [word.split('=', 1)[0] ?? '', word.slice(word.indexOf('=') + 1)]),
  );
  const shown = [
    ...named('labels', labels).map((name) => [name, labels[name]] as const),
    ...named('env', variables).map((name) => [name, variables[name]] as const),
  ].flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return shown.length === 0 ? '' : `${shown.sort().join(',')} `;
}
