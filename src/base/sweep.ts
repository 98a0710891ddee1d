import type { Log } from './log.js';

/**
 * Removes what a predecessor left, one after the other. What cannot go now (an immutable file, one that is in use or on
 * a file server) is logged and stays for the next time: it keeps nobody from starting.
 * @param what - in the log's words, such as `a volume without record`
 */
export async function sweepEach(
  what: string,
  names: Iterable<string>,
  log: Log,
  remove: (name: string) => unknown,
): Promise<void> {
  for (const name of names) {
    try {
      await remove(name);
    } catch (error) {
      log.warn('cannot remove what was left behind', { what, name, error });
    }
  }
}
