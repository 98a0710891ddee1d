import type { EngineClient } from '../client/index.js';
import { LineAssembler } from './log-lines.js';

/** The end of a container's log, both streams, the latest line last; nothing when it cannot be read. */
export async function lastLinesOf(
  client: EngineClient,
  containerId: string,
  lines: number,
  signal: AbortSignal,
): Promise<string[]> {
  const assembler = new LineAssembler();
  const found: string[] = [];
  try {
    const chunks = client.containers.logs(containerId, { tail: lines, timestamps: true }, signal);
    for await (const { stream, payload } of chunks) found.push(...assembler.push(stream, payload).map(textOf));
  } catch {
    return found; // a log that cannot be read must not hide the failure that made us look
  }
  return [...found, ...assembler.end().map(textOf)].slice(-lines);
}

function textOf({ text }: { readonly text: string }): string {
  return text;
}
