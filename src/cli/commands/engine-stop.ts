import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TscomposeError } from '../../base/errors.js';
import { defineCommand } from '../command.js';
import { nameOf } from '../containers.js';
import { answers, embeddedClient } from '../engine/connect.js';
import { enginePaths } from '../engine/paths.js';
import { flag } from '../flags.js';
import { endServer, relaySocket } from '../../relay/index.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/containers-running': { readonly names: readonly string[] };
    'cli/engine-lingers': { readonly pid: number };
  }
}

const endTimeoutMs = 30_000;
const lookIntervalMs = 10;

export const engineStopCommand = defineCommand({
  details:
    'Refuses while containers run, so that none is lost by accident. Containers have monitors of their own and need no ' +
    'engine to go on: with --keep-containers they do, and the next command takes them over again.',
  usage: '',
  flags: {
    force: flag('Stop running containers first', { short: 'f' }),
    keepContainers: flag('End only the engine; containers go on'),
  },
  run: async ({ flags, context: { terminal, signal, dryRun } }) => {
    const client = embeddedClient(enginePaths(terminal).socket);
    try {
      if (!dryRun) await endServer(relaySocket(terminal.environment, terminal.cwd), signal);
      if (!(await answers(client, signal))) {
        terminal.stderr.write('the embedded engine does not run\n');
        return 0;
      }
      const running = flags.keepContainers ? [] : await client.containers.list({ all: false }, signal);
      if (running.length > 0 && !flags.force) throw stillRunning(running.map(nameOf));
      if (dryRun) {
        const names = running.map((one) => `would stop container ${nameOf(one)}\n`);
        terminal.stdout.write(`${names.join('')}would end the engine\n`);
        return 0;
      }
      await Promise.all(running.map(({ Id }) => client.containers.stop(Id, {}, signal)));
      const { pid } = await client.status(signal);
      await client.shutdown(signal);
      await untilGone(pid, signal);
      return 0;
    } finally {
      client.close();
    }
  },
});

function stillRunning(names: readonly string[]): TscomposeError {
  const some = names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');
  return new TscomposeError({
    code: 'cli/containers-running',
    message: `the engine has running containers: ${some}`,
    facts: { names },
    hint: 'take the project down, or use --force to stop them or --keep-containers to let them go on',
  });
}

async function untilGone(pid: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + endTimeoutMs;
  while (isRunning(pid)) {
    if (performance.now() > deadline) {
      throw new TscomposeError({
        code: 'cli/engine-lingers',
        message: `the engine, process ${pid}, has taken the order to end but still runs`,
        facts: { pid },
      });
    }
    await sleep(lookIntervalMs, undefined, { signal });
  }
}

/** A zombie has ended: where process 1 reaps nobody, as in many containers, it stays in the table. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
