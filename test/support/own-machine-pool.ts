import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PoolOptions, PoolWorker, WorkerRequest } from 'vitest/node';

const ownMachine = fileURLToPath(new URL('../../scripts/own-machine.sh', import.meta.url));

/**
 * vitest's pool for the engine tests: they compare the whole machine before and after, so each file has a process in a
 * machine of its own (`own-machine.sh`), and several run at once. Who is not root shares the machine there is.
 */
export const ownMachinePool = {
  name: 'own-machine',
  createPoolWorker: (options: PoolOptions): PoolWorker => new OwnMachineWorker(options),
};

class OwnMachineWorker implements PoolWorker {
  readonly name = ownMachinePool.name;
  readonly cacheFs = true;
  readonly #options: PoolOptions;
  #process: ChildProcess | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { distPath, env, execArgv, project } = this.#options;
    const launcher =
      process.getuid?.() === 0
        ? { execPath: ownMachine, execArgv: [process.execPath, ...execArgv] } // fork puts execArgv before the script
        : { execArgv };
    const child = fork(join(distPath, 'workers/forks.js'), [], {
      ...launcher,
      env: { ...env },
      stdio: 'pipe',
      serialization: 'advanced',
    });
    const { outputStream, errorStream } = project.vitest.logger;
    child.stdout?.pipe(outputStream, { end: false });
    child.stderr?.pipe(errorStream, { end: false });
    this.#process = child;
    await once(child, 'spawn');
  }

  /** Ends the machine with every process in it: all die with process 1. */
  async stop(): Promise<void> {
    const child = this.#running();
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    this.#process = undefined;
  }

  on(event: string, callback: (argument: unknown) => void): void {
    this.#running().on(event, callback);
  }

  off(event: string, callback: (argument: unknown) => void): void {
    this.#running().off(event, callback);
  }

  send(message: WorkerRequest): void {
    this.#running().send(message);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  #running(): ChildProcess {
    if (this.#process === undefined) throw new Error('the process of this file of tests is not running');
    return this.#process;
  }
}
