import { composeLabels } from '../api/labels.js';
import { hasCode } from '../base/errors.js';
import { isNotFound, type LogsQuery } from '../client/index.js';
import type { ObservedContainer } from '../plan/index.js';
import { ContainerLog, type ContainerLogOptions } from './container-log.js';
import { LineAssembler } from './log-lines.js';
import { LogMerge } from './log-merge.js';
import type { LogOptions, LogSource } from './log-options.js';
import { observedContainer } from './observe.js';

/** Reads the logs as they are, merged by time. Resolves when all is read. */
export async function readLogs(options: LogOptions): Promise<void> {
  const containers = await containersWithLogs(options, options.signal);
  for (const source of containers) options.onEvent({ kind: 'attached', source });
  try {
    await readTogether(containers, options);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await readEach(containers, options); // the engine is not ours
  }
}

/** The engine merges: one request in place of one for each container. @throws `engine/response` 404 by other engines */
async function readTogether(containers: readonly LogSource[], options: LogOptions): Promise<void> {
  const { client, onEvent, pace, until, signal } = options;
  const lanes = containers.map((source) => ({ source, assembler: new LineAssembler() }));
  const query = { ...boundsOf(options), ...(until === undefined ? {} : { until }) };
  const ids = containers.map(({ id }) => id);
  for await (const { source: index, stream, payload } of client.containers.mergedLogs(ids, query, signal)) {
    const lane = lanes[index];
    if (lane === undefined) continue;
    const { source, assembler } = lane;
    if (stream === 3) onEvent({ kind: 'unreadable', source, reason: payload.toString('utf8') });
    else for (const line of assembler.push(stream === 2 ? 2 : 1, payload)) onEvent({ kind: 'line', source, ...line });
    await pace?.();
  }
  for (const { source, assembler } of lanes) {
    for (const line of assembler.end()) onEvent({ kind: 'line', source, ...line });
  }
}

async function readEach(containers: readonly LogSource[], options: LogOptions): Promise<void> {
  const { signal } = options;
  const failed = new AbortController();
  const inside = AbortSignal.any([signal, failed.signal]);
  const merge = openMerge(options, inside);
  const readings = containers.map(async (source) => {
    try {
      await new ContainerLog(logOptions(options, merge)).read(source, boundsOf(options), 'whole', inside);
    } catch (error) {
      if (!unread(error, source, options)) failed.abort(error);
    }
  });
  await Promise.all(readings);
  inside.throwIfAborted();
}

/** Whose lines go to the one who asked. */
export function openMerge({ onEvent }: LogOptions, signal: AbortSignal): LogMerge<LogSource> {
  const merge = new LogMerge<LogSource>((source, line) => {
    onEvent({ kind: 'line', source, ...line });
  });
  const flush = () => {
    merge.flush();
  };
  signal.addEventListener('abort', flush, { once: true });
  return merge;
}

export function logOptions({ client, until, pace }: LogOptions, merge: LogMerge<LogSource>): ContainerLogOptions {
  return { client, merge, ...(until === undefined ? {} : { until }), ...(pace === undefined ? {} : { pace }) };
}

/** What of a log there is already is wanted. */
export function boundsOf({ history, tail, since }: LogOptions): LogsQuery {
  if (history === 'none') return { tail: 0 };
  return { ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }) };
}

/** Those there are, by name. */
export async function containersWithLogs(
  { client, project, services, number }: LogOptions,
  signal: AbortSignal,
): Promise<ObservedContainer[]> {
  const label = [`${composeLabels.project}=${project}`, composeLabels.configHash];
  const found = await client.containers.list({ all: true, filters: { label } }, signal);
  return found
    .map(observedContainer)
    .filter(({ oneOff, service }) => !oneOff && (services?.includes(service) ?? true))
    .filter((container) => number === undefined || container.number === number)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a log that cannot be read is no failure of the whole: it is gone, or the engine says why, which is told. */
export function unread(error: unknown, source: LogSource, { onEvent }: LogOptions): boolean {
  if (isNotFound(error)) return true;
  if (!hasCode(error, 'engine/response')) return false;
  onEvent({ kind: 'unreadable', source, reason: error.facts.message });
  return true;
}
