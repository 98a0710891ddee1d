import type { ContainerInspect } from '../api/container.js';
import { hasCode } from '../base/errors.js';
import type { EngineClient } from '../client/index.js';
import type { ContainerRef, OperationOf } from '../plan/index.js';
import { judge, type Verdict } from './conditions.js';
import { idOfRef, type ExecutionContext } from './execution-context.js';
import { dependencyFailure } from './dependency-failure.js';
import { LineAssembler, type TimedLine } from './log-lines.js';
import { noteOf } from './told.js';

/** Waits until containers are as their dependents need them, and tells what comes of it. */
export async function waitForAll(operation: OperationOf<'container.wait'>, context: ExecutionContext): Promise<void> {
  const { containers, condition } = operation;
  const waits = containers.map((container) => waitFor(operation, container, context));
  if (condition === 'completed') await Promise.any(waits).catch(firstReason);
  else await Promise.all(waits);
}

async function waitFor(
  operation: OperationOf<'container.wait'>,
  container: ContainerRef,
  { client, project, watch, signal, idOf, onEvent }: ExecutionContext,
): Promise<void> {
  const id = idOfRef(container, idOf);
  const subject = `Container ${container.name}`;
  onEvent({ kind: 'started', subject, status: 'Waiting' });
  const telling =
    operation.hook === undefined
      ? undefined
      : tellOutput(client, id, signal, (detail) => {
          onEvent({ kind: 'progress', subject, status: operation.hook ?? '', detail });
        });
  let told: string | undefined;
  const look = (state: ContainerInspect): Verdict | undefined => {
    const verdict = judge(operation.condition, state);
    const note = verdict === undefined ? noteOf(state.Tscompose) : undefined;
    if (verdict === undefined && note !== told)
      onEvent({ kind: 'progress', subject, status: 'Waiting', ...(note === undefined ? {} : { detail: note }) });
    told = note;
    return verdict;
  };
  const verdict = await watch.until(id, look, signal);
  await telling;
  if (verdict.met) {
    onEvent({ kind: 'done', subject, status: verdict.status });
    return;
  }
  const of = { id, name: container.name };
  const failure = await dependencyFailure({ client, project }, operation, of, verdict.obstacle, signal);
  if (operation.required) {
    onEvent({ kind: 'failed', subject, status: 'Error' });
    throw failure;
  }
  onEvent({ kind: 'warning', subject, status: 'Warning', detail: failure.message });
}

/** Tells all that a container says until it ends; nothing where its log cannot be read, which is no failure of what it does. */
async function tellOutput(
  client: EngineClient,
  id: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const lines = new LineAssembler();
  const tell = ({ text }: TimedLine): void => {
    onLine(text);
  };
  try {
    for await (const { stream, payload } of client.containers.logs(id, { follow: true, timestamps: true }, signal))
      lines.push(stream, payload).forEach(tell);
  } catch (error) {
    if (!signal.aborted && !hasCode(error, 'engine/response')) throw error;
  }
  lines.end().forEach(tell);
}

/** Of several that all failed. */
function firstReason(error: unknown): never {
  throw error instanceof AggregateError ? error.errors[0] : error;
}
