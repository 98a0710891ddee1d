import { readlinkSync, statSync } from 'node:fs';

/** Settings that Node and its libraries read once, when a process starts. */
const readAtStart = ['TZ', 'LANG', 'LC_ALL', 'LC_TIME', 'NODE_OPTIONS'];

/**
 * What this process sees of the machine, as one text: two processes with the same one find the same files under the
 * same names, reach the same addresses, write the same times and run the same code.
 * @param buildId - of the code
 */
export function worldOf(buildId: string, environment: Readonly<Record<string, string | undefined>>): string {
  const { dev, ino } = statSync('/');
  return JSON.stringify([
    buildId,
    process.version,
    process.geteuid?.() ?? null,
    process.getegid?.() ?? null,
    `${dev}:${ino}`, // another root directory in the same namespace
    ...['mnt', 'net', 'pid', 'user'].map(namespace),
    ...readAtStart.map((name) => environment[name] ?? null),
  ]);
}

function namespace(kind: string): string | null {
  try {
    return readlinkSync(`/proc/self/ns/${kind}`);
  } catch {
    return null; // no /proc, or a kernel without that kind
  }
}

/** What a process with the same world is started with. */
export function environmentAtStart(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    ['PATH', ...readAtStart].flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
