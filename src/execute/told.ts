import type { ContainerExtension, CrashLoop } from '../api/tscompose.js';

/** In a few words what the embedded engine tells of a container beside its status; undefined where it tells nothing. */
export function noteOf({ CrashLoop: loop, StartWait: wait, HookFailure }: ContainerExtension = {}): string | undefined {
  if (wait !== undefined) return wait.Reason;
  if (loop === undefined) return HookFailure;
  return `crash loop: ${exitsText(loop)}${loop.LastWords === '' ? '' : `: ${loop.LastWords}`}`;
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
