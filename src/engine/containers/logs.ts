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
  const filter: EntryFilter = {
    ...options,
    prefix: options.details ? detailsOf(config.Env ?? [], config.Labels ?? {}, hostConfig.LogConfig?.Config ?? {}) : '',
  };
  return { tty: config.Tty === true, output: chunksOf(entriesOf(room, container, options, signal), filter) };
}

/** What `tail` and `since` leave of the log, and what comes if it is to be followed. @throws `container/no-log` */
export function entriesOf(
  room: Room,
  container: Container,
  { tail, sinceNs, follow }: Pick<LogOptions, 'tail' | 'sinceNs' | 'follow'>,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  requireLog(container);
  const path = logPathOf(room, container.id);
  const start = () => {
    if (tail !== 'all') return atTail(path, tail, signal);
    return sinceNs === undefined ? atBeginning(path) : atTime(path, sinceNs);
  };
  const until = follow && isRunning(container) ? endOfRun(container, signal) : undefined;
  return readLog(path, start, { ...(until === undefined ? {} : { until }), signal });
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

/** Entries as output. */
export async function* chunksOf(batches: AsyncIterable<LogEntry[]>, filter: EntryFilter): AsyncGenerator<OutputChunk> {
  const renderer = new EntryRenderer(filter);
  for await (const entries of batches) {
    yield* renderer.push(entries);
    if (renderer.isPastEnd) return;
  }
}

/** Turns the entries of one log into output. */
export class EntryRenderer {
  /** An entry came that is later than all that is wanted. */
  isPastEnd = false;
  readonly #filter: EntryFilter;
  readonly #times = new TimeReader();
  readonly #midLine = { 1: false, 2: false };

  constructor(filter: EntryFilter) {
    this.#filter = filter;
  }

  /** Neighbours of one stream are put together: a chunk is any number of lines, not one. */
  push(entries: readonly LogEntry[]): OutputChunk[] {
    const chunks: { stream: 1 | 2; pieces: Buffer[] }[] = [];
    for (const entry of entries) {
      const pieces = this.#piecesOf(entry);
      if (this.isPastEnd) break;
      const last = chunks.at(-1);
      if (last?.stream === entry.stream) last.pieces.push(...pieces);
      else if (pieces.length > 0) chunks.push({ stream: entry.stream, pieces });
    }
    return chunks.map(({ stream, pieces }) => ({ stream, payload: Buffer.concat(pieces) }));
  }

  #piecesOf({ stream, partial, time, payload }: LogEntry): Buffer[] {
    const { stdout, stderr, sinceNs, untilNs, timestamps, prefix } = this.#filter;
    const begins = !this.#midLine[stream];
    this.#midLine[stream] = partial;
    if (!(stream === 1 ? stdout : stderr)) return [];
    if (sinceNs !== undefined && this.#times.read(time) < sinceNs) return [];
    if (untilNs !== undefined && this.#times.read(time) > untilNs) {
      this.isPastEnd = true;
      return [];
    }
    if (!begins) return [payload];
    return [
      ...(timestamps ? [Buffer.from(`${renderTime(this.#times.read(time))} `)] : []),
      ...(prefix === '' ? [] : [Buffer.from(prefix)]),
      payload,
    ];
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
  return `${shown.sort().join(',')} `; // where there are none, too: what reads it goes by the space
}
