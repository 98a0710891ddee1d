/** Entry of dist/engine.cjs: `engine.cjs run` serves the Engine API until it is told to end or nobody needs it. */
import { setMaxListeners } from 'node:events';
import { writeSync } from 'node:fs';
import { createLog } from '../base/log.js';
import { hasOwnMountNamespace } from './oci/index.js';
import { openReadiness } from './main/readiness.js';
import { runInOwnMountNamespace } from './main/mount-namespace.js';
import { runEngine } from './main/run.js';
import { readSettings } from './main/settings.js';

/** What is left to do at the end is short; a call that hangs must not keep a dead engine around. */
const endTimeoutMs = 30_000;

async function main(): Promise<number> {
  const [command = 'run', ...rest] = process.argv.slice(2);
  if (command !== 'run' || rest.length > 0) {
    process.stderr.write('usage: engine.cjs run\n');
    return 64;
  }
  process.umask(0o022); // whatever the caller's: other users in containers must read what we put there
  const settings = readSettings(process.env);
  const readiness = openReadiness(settings.readyFd);
  if (!settings.hasMountNamespace && !hasOwnMountNamespace()) return await runInOwnMountNamespace(settings);

  const log = createLog((line) => void writeSync(2, line), settings.logLevel);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const end = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(1); // asked twice: at once
    log.info('engine ends', { signal });
    stop.abort(new Error(`the engine was ended by ${signal}`));
    setTimeout(() => process.exit(1), endTimeoutMs).unref();
  };
  process
    .on('SIGTERM', end)
    .on('SIGINT', end)
    .on('SIGHUP', () => undefined);
  // Crash-only: containers go on, and the next engine finds everything as it is.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.error('engine crashed', { error });
      readiness.failed(error);
      process.exit(70);
    });
  }
  try {
    await runEngine({ settings, log, readiness, stop });
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return 0;
    log.error('engine did not start', { error });
    readiness.failed(error);
    return 1;
  }
}

void main().then((exitCode) => process.exit(exitCode));
