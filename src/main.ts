import { errnoOf } from './base/errors.js';
import { exitCodes, Interrupts, runCli } from './cli/index.js';

/** A reader that goes away early (`tscompose logs | head`) ends us without a word, as SIGPIPE ends other programs. */
const brokenPipeExitCode = 141;

const interrupts = new Interrupts((code) => process.exit(code));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupts.raise(signal));
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    process.exit(errnoOf(error) === 'EPIPE' ? brokenPipeExitCode : exitCodes.failure);
  });
}

const { stdout, stderr, env, argv } = process;
const terminal = {
  /** Opened only by a command that reads it: that costs milliseconds at every start. */
  get stdin() {
    return process.stdin;
  },
  stdout,
  stderr,
  environment: env,
  cwd: process.cwd(),
};
void runCli(argv.slice(2), terminal, interrupts).then((code) => process.exit(code));
