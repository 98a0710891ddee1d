import type { NodeHook } from '../../api/tscompose.js';
import { messageOf } from '../../base/errors.js';
import type { Container } from './container.js';
import { projectOf, serviceOf } from './labels.js';
import { publish, type Room } from './room.js';
import { runCommand } from './run-command.js';

/** Dependents wait for a hook, so it may not take for ever. */
const longestHookMs = 600_000;

/**
 * Runs the hooks of a container that its project's graph has for this phase, one after the other. The first that fails
 * is written down in the container, told as an event, and is the last to run.
 */
export async function runHooks(room: Room, container: Container, phase: 'post_start' | 'pre_stop'): Promise<void> {
  const hooks = room.projects.node(projectOf(container) ?? '', serviceOf(container))?.hooks;
  const own = phase === 'post_start' ? hooks?.postStart : hooks?.preStop;
  for (const [index, hook] of (own ?? []).entries()) {
    if (!container.isLive) return;
    const failure = await orAborted(failureOf(room, container, hook), room.closing);
    if (room.closing.aborted) return; // it goes on, and nobody waits for it any more
    if (failure === undefined) continue;
    const name = `${phase}[${index}]`;
    container.hookFailure = `hook ${name} ${failure}`;
    room.log.warn('a hook failed', { containerId: container.id, hook: name, failure });
    publish(room, container, 'hook_failed', { hook: name, reason: failure });
    return;
  }
}

async function failureOf(room: Room, container: Container, hook: NodeHook): Promise<string | undefined> {
  const { command, user, workingDir, privileged } = hook;
  const request = {
    Cmd: [...command],
    Privileged: privileged,
    ...(user === undefined ? {} : { User: user }),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
  };
  try {
    const how = { timeoutMs: longestHookMs, signal: room.closing };
    const { exitCode, output, inTime } = await runCommand(room, container, request, how);
    if (exitCode === 0) return undefined;
    const [last = ''] = output.trim().split('\n').slice(-1);
    const what = inTime ? `exited with code ${exitCode}` : `did not end within ${longestHookMs / 60_000} minutes`;
    return last === '' ? what : `${what}: ${last}`;
  } catch (error) {
    return `could not be run: ${messageOf(error)}`;
  }
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
