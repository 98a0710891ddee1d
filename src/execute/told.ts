import type { ContainerExtension, CrashLoop, LostRun } from '../api/tscompose.js';

/** In a few words what the embedded engine tells of a container beside its status; undefined where it tells nothing. */
export function noteOf(told: ContainerExtension = {}): string | undefined {
  const { CrashLoop: loop, StartWait: wait, HookFailure, LostRun: lost } = told;
  if (wait !== undefined) return wait.Reason;
  if (loop === undefined) return HookFailure ?? (lost && lostText(lost));
  return `crash loop: ${exitsText(loop)}${loop.LastWords === '' ? '' : `: ${loop.LastWords}`}`;
}

/** Follows the name of the service. */
export function lostText({ Cause }: LostRun): string {
  return Cause === 'host' ? 'was running when the host went down' : 'ended with its monitor, so that nobody saw how';
}

/** `5 exits with code 1 in 20 s` */
export function exitsText({ Exits, ExitCode, SameCode, Since, Until }: CrashLoop): string {
  const codes = SameCode ? `with code ${ExitCode}` : `(the last with code ${ExitCode})`;
  return `${Exits} exits ${codes} in ${spanText(Date.parse(Until) - Date.parse(Since))}`;
}

function spanText(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
