import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../base/errors.js';
import { connectEngine, type EngineClient, type TlsFiles } from '../../client/index.js';
import type { Terminal } from '../terminal.js';
import type { EngineChoice } from './choose.js';
import { launchEngine } from './launch.js';

/** How long the winner of a race for the engine's lock may take until its socket answers. */
const raceTimeoutMs = 15_000;
const raceIntervalMs = 20;

/**
 * A client of the chosen engine that has been answered once. The embedded engine is started when nothing answers.
 * @throws `engine/unreachable` for another engine; what `launchEngine` throws
 */
export async function connectChosen(
  choice: EngineChoice,
  terminal: Pick<Terminal, 'environment'>,
  signal: AbortSignal,
): Promise<EngineClient> {
  if (choice.kind === 'given') {
    const client = connectEngine(await addressOf(choice, terminal, signal));
    await client.apiVersion(signal); // fails here, with the host's name, where nothing answers
    return client;
  }
  const client = embeddedClient(choice.paths.socket);
  if (await answers(client, signal)) return client;
  const { started } = await launchEngine(choice.paths, terminal, signal);
  if (!started) await untilAnswering(client, signal);
  return client;
}

/** How long an engine may be away, and how often it is looked for. A crash takes a moment, an upgrade some more. */
const awayMs = 60_000;
const lookMs = 200;

/** Resolves when an engine that was connected answers again. @throws as `connectChosen`, when it stays away */
export async function untilBack(
  choice: EngineChoice,
  terminal: Pick<Terminal, 'environment'>,
  signal: AbortSignal,
): Promise<void> {
  for (const deadline = performance.now() + awayMs; ;) {
    await sleep(lookMs, undefined, { signal }); // one that was told to end says so to its other clients meanwhile
    try {
      (await connectChosen(choice, terminal, signal)).close();
      return;
    } catch (error) {
      if (!hasCode(error, 'engine/unreachable') || performance.now() > deadline) throw error;
    }
  }
}

/** The address of the chosen engine, once that engine runs. @throws what `connectChosen` throws */
export async function addressOf(
  choice: EngineChoice,
  terminal: Pick<Terminal, 'environment'>,
  signal: AbortSignal,
): Promise<{ readonly host: string; readonly tls?: TlsFiles | undefined }> {
  if (choice.kind === 'given') {
    const { host, tls } = choice.endpoint;
    return tls === undefined ? { host } : { host, tls: { caFile: undefined, ...tls } };
  }
  (await connectChosen(choice, terminal, signal)).close();
  return { host: `unix://${choice.paths.socket}` };
}

export function embeddedClient(socket: string): EngineClient {
  return connectEngine({ host: `unix://${socket}` });
}

/** False where no engine listens. @throws `engine/unreachable` when one may, but cannot be reached */
export async function answers(client: EngineClient, signal: AbortSignal): Promise<boolean> {
  try {
    await client.apiVersion(signal);
    return true;
  } catch (error) {
    if (hasCode(error, 'engine/unreachable') && ['ENOENT', 'ECONNREFUSED'].includes(error.facts.errno ?? ''))
      return false;
    throw error;
  }
}

/** Another process is starting the engine, which tells only that one when it is ready. */
async function untilAnswering(client: EngineClient, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + raceTimeoutMs;
  while (performance.now() < deadline) {
    if (await answers(client, signal)) return;
    await sleep(raceIntervalMs, undefined, { signal });
  }
  await client.ping(signal); // tells what is wrong
}
