import type { ContainerInspect } from '../api/container.js';
import type { EngineClient } from '../client/index.js';
import type { Evidence } from './diagnosis.js';
import { lastLinesOf } from './last-lines.js';

const logLines = 10;

export interface GatheredEvidence extends Evidence {
  /** Of its log, the latest last. */
  readonly lastLines: readonly string[];
}

/** Asks the engine for everything a diagnosis of one container needs. */
export async function gatherEvidence(
  client: EngineClient,
  containerId: string,
  signal: AbortSignal,
): Promise<GatheredEvidence> {
  const container = await client.containers.inspect(containerId, signal);
  const [lastLines, requestedSignals] = await Promise.all([
    lastLinesOf(client, containerId, logLines, signal),
    requestedSignalsOf(client, container, signal),
  ]);
  return { container, lastLines, requestedSignals };
}

/** From the engine's history of events, as far back as it goes. */
async function requestedSignalsOf(
  client: EngineClient,
  { Id, State }: ContainerInspect,
  signal: AbortSignal,
): Promise<string[]> {
  if (State.Running || State.OOMKilled || State.ExitCode <= 128) return [];
  const query = {
    since: State.StartedAt,
    until: (Date.now() / 1000).toFixed(3), // not later than now: the engine would wait until then
    filters: { type: ['container'], container: [Id], event: ['kill'] },
  };
  const names: string[] = [];
  try {
    for await (const { Actor } of client.events(query, signal))
      names.push(signalName(Actor.Attributes['signal'] ?? ''));
  } catch {
    return names; // a history that cannot be had must not hide what is known
  }
  return names;
}

/** Engines tell the number. */
function signalName(text: string): string {
  const known: Readonly<Record<string, string>> = { '2': 'SIGINT', '3': 'SIGQUIT', '9': 'SIGKILL', '15': 'SIGTERM' };
  return known[text] ?? text;
}
