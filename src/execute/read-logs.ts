import { composeLabels } from '../api/labels.js';
import { hasCode } from '../base/errors.js';
import { isNotFound, type LogsQuery } from '../client/index.js';
import type { ObservedContainer } from '../plan/index.js';
import { ContainerLog, type ContainerLogOptions } from './container-log.js';
import { LogMerge } from './log-merge.js';
import type { LogOptions, LogSource } from './log-options.js';
import { observedContainer } from './observe.js';

/** Reads the logs as they are, merged by time. Resolves when all is read. */
export async function readLogs(options: LogOptions): Promise<void> {
  const { onEvent, signal } = options;
  const failed = new AbortController();
  const inside = AbortSignal.any([signal, failed.signal]);
  const merge = openMerge(options, inside);
  const containers = await containersWithLogs(options, inside);
  const readings = containers.map(async (source) => {
    onEvent({ kind: 'attached', source });
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
