import { hasCode } from '../base/errors.js';
import { isConflict, isNotFound } from '../client/index.js';
import type { ExecutionContext } from './execution-context.js';

/** It is gone, which is what was wanted; or someone else is removing it. */
export async function unlessGone(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

export async function unlessInUse(
  answer: Promise<unknown>,
  subject: string,
  whenUnused: boolean,
  { onEvent, leave }: ExecutionContext,
): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (isNotFound(error)) return;
    // 403: a network with endpoints.
    const inUse = isConflict(error) || (hasCode(error, 'engine/response') && error.facts.status === 403);
    if (!whenUnused || !inUse) throw error;
    onEvent({ kind: 'warning', subject, status: 'Warning', detail: 'Resource is still in use' });
    leave();
  }
}
