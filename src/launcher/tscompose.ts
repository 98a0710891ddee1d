/**
 * Entry of `dist/tscompose.cjs`. Short commands are run by the command server where one listens; everything else, and
 * everything where none does, by the program itself.
 *
 * The file starts with a few words of shell (scripts/build.mjs), for three things Node does before any code of ours
 * runs: it parses every certificate of NODE_EXTRA_CA_CERTS (65 ms), it takes an `--env-file` anywhere in the
 * arguments for its own unless they stand behind `--`, and it forgets that it was to ignore SIGHUP (nohup).
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isRelayOff, relay, relayedCommands, relaySocket, startServer, worldOf } from '../relay/index.js';
import type { InterruptSignal } from '../main.js';
import { buildId, loadBundle } from './load-bundle.js';

const argv = process.argv.slice(2);
/** Commands that no server runs, but that people run often: each with a code cache of its own. */
const oftenRun = new Set(['attach', 'cp', 'pull', 'push', 'run', 'stats', 'watch']);
/** Perhaps the value of a flag; the parser of the program knows, and a wrong guess costs only time. */
const command = argv.find((word) => relayedCommands.has(word) || oftenRun.has(word));

/** A reader that goes away early (`tscompose logs | head`) ends us without a word, as SIGPIPE ends other programs. */
const brokenPipeExitCode = 141;

async function main(): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? brokenPipeExitCode : 1);
    });
  }
  const { env } = process;
  const signals = interruptSignals(env);
  const canRelay = command !== undefined && relayedCommands.has(command) && !isRelayOff(env);
  const socket = relaySocket(env, process.cwd());
  const relayed = canRelay ? await relay(socket, { world: worldOf(buildId, env), argv }, signals) : 'declined';
  if (typeof relayed === 'number') return relayed;
  const { runHere } = loadBundle(command);
  const code = await runHere(signals);
  if (relayed === 'absent' && existsSync(join(dirname(socket), 'engine.sock'))) {
    await startServer(join(__dirname, 'command-server.cjs'), socket);
  }
  return code;
}

/** Those that end a command. A shell has left us a variable where SIGHUP is none of them. */
function interruptSignals(env: NodeJS.ProcessEnv): readonly InterruptSignal[] {
  const ignoresHangUp = env['TSCOMPOSE_HANGUP'] === 'ignored';
  delete env['TSCOMPOSE_HANGUP'];
  if (!ignoresHangUp) return ['SIGINT', 'SIGTERM', 'SIGHUP'];
  process.on('SIGHUP', () => undefined);
  return ['SIGINT', 'SIGTERM'];
}

/** Ends only when what was written has left: a pipe takes 64 KiB, and the rest waits in this process for a slow reader. */
async function leave(code: number): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  }
  process.exit(code);
}

main().then(leave, (error: unknown) => {
  process.stderr.write(`tscompose: cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
