import type { EngineClient } from '../client/index.js';

/** The end of a container's log, both streams, the latest line last; nothing when it cannot be read. */
export async function lastLinesOf(
  client: EngineClient,
  containerId: string,
  lines: number,
  signal: AbortSignal,
): Promise<string[]> {
  const chunks: Buffer[] = [];
  try {
    for await (const { payload } of client.containers.logs(containerId, { tail: lines }, signal)) chunks.push(payload);
  } catch {
    return []; // a log driver that cannot be read must not hide the failure that made us look
  }
  const text = Buffer.concat(chunks).toString('utf8').replaceAll('\r\n', '\n');
  return text
    .split('\n')
    .filter((line, index, all) => line !== '' || index < all.length - 1)
    .slice(-lines);
}
