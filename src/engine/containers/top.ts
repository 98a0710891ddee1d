import type { TopResponse } from '../../api/container.js';
import { hasCode } from '../../base/errors.js';
import { runTool } from '../../base/spawn.js';
import type { Container } from './container.js';
import { invalidConfig, notRunning } from './errors.js';
import { cgroupOf, publish, type Room } from './room.js';

/**
 * What `ps` of the host says of a container's processes, with its own columns.
 * @throws `container/not-running`, `container/invalid-config` without a PID column, `tool/failed`, `tool/missing`
 */
export async function topContainer(
  room: Room,
  container: Container,
  psArgs: string,
  signal: AbortSignal,
): Promise<TopResponse> {
  if (!container.isLive) throw notRunning(container.id);
  const pids = new Set(cgroupOf(room, container).pids());
  const args = psArgs.split(/\s+/).filter((word) => word !== '');
  const { stdout } = await runTool('ps', args.length === 0 ? ['-ef'] : args, { signal }).catch((error: unknown) => {
    if (!hasCode(error, 'tool/failed') || error.facts.exitCode === undefined) throw error;
    throw invalidConfig('ps_args', `ps: ${error.facts.stderr.trim().split('\n', 1)[0] ?? ''}`);
  });
  publish(room, container, 'top');
  return selectProcesses(stdout, pids);
}

export function selectProcesses(listing: string, pids: ReadonlySet<number>): TopResponse {
  const [head = '', ...lines] = listing.split('\n');
  const Titles = head.trim().split(/\s+/);
  const column = Titles.indexOf('PID');
  if (column < 0) throw invalidConfig('ps_args', "Couldn't find PID field in ps output");
  const Processes = lines
    .filter((line) => line.trim() !== '')
    .map((line) => splitFields(line, Titles.length))
    .filter((fields) => pids.has(Number(fields[column])));
  return { Titles, Processes };
}

/** The last field, a command, keeps its spaces. */
function splitFields(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  if (words.length <= count) return words;
  return [...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}
