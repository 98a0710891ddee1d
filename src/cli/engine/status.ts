import type { EngineStatus } from '../../api/tscompose.js';
import { answers, embeddedClient } from './connect.js';
import type { EnginePaths } from './paths.js';

/** The status of the embedded engine, undefined when it does not run. Never starts it. */
export async function readEngineStatus(paths: EnginePaths, signal: AbortSignal): Promise<EngineStatus | undefined> {
  const client = embeddedClient(paths.socket);
  try {
    return (await answers(client, signal)) ? await client.status(signal) : undefined;
  } finally {
    client.close();
  }
}
