import type { ContainerInspect } from '../api/container.js';

/** What a container's health check made others wait for. */
export interface WaitAdvice {
  readonly service: string;
  /** From its start to the end of the probe that passed, milliseconds. */
  readonly waitedMs: number;
  /** Of that, the pause before the probe that passed. */
  readonly pausedMs: number;
}

/** Less is not worth a word. */
const leastPauseMs = 300;

/**
 * Undefined unless at least half of the time until a container was healthy was a pause between its start, or a failed
 * probe, and the probe that passed: nobody looked then.
 */
export function waitAdvice(
  service: string,
  { State: { StartedAt, Health } }: Pick<ContainerInspect, 'State'>,
): WaitAdvice | undefined {
  const probes = Health?.Log ?? [];
  const index = probes.findIndex(({ ExitCode }) => ExitCode === 0);
  const passed = probes[index];
  // A log keeps five probes: with a pass in front nobody knows what was before it, unless it was the first of all.
  if (passed === undefined) return undefined;
  const started = Date.parse(StartedAt);
  const before = index === 0 ? started : Date.parse(probes[index - 1]?.End ?? '');
  const waitedMs = Date.parse(passed.End) - started;
  const pausedMs = Date.parse(passed.Start) - before;
  if (!(pausedMs >= leastPauseMs) || pausedMs * 2 < waitedMs) return undefined;
  return { service, waitedMs, pausedMs };
}
