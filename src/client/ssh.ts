import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { Connector, EngineAddress } from './host.js';

/** Where there is no docker CLI, ours does the same for the embedded engine, and starts it. */
const dialRemotely = 'if command -v docker >/dev/null 2>&1; then exec docker "$@"; else exec tscompose "$@"; fi';

/**
 * One `ssh … docker system dial-stdio` a connection, as the docker CLI does it: the remote command joins its stdio to the
 * engine's socket there. Multiplexing (ControlMaster) is the user's ssh configuration.
 */
export function sshConnector({ destination, port, socket }: EngineAddress & { kind: 'ssh' }): Connector {
  const words = [...(socket === undefined ? [] : ['--host', `unix://${socket}`]), 'system', 'dial-stdio'];
  const remote = ['sh', '-c', dialRemotely, 'sh', ...words];
  const args = [
    '-o',
    'ConnectTimeout=30',
    '-T',
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    destination,
  ];
  // The remote side is a shell: each word is quoted for it.
  return { open: () => new ProcessConnection('ssh', [...args, remote.map(quoteForShell).join(' ')]) };
}

/** The stdio of a child as one connection. A child that fails makes the connection fail with what it wrote to stderr. */
class ProcessConnection extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(file: string, args: readonly string[]) {
    super();
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    let complaint = '';
    stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)));
    stdin.on('error', () => undefined); // EPIPE: the exit below says why
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    this.#child.on('error', (error) => this.destroy(error));
    this.#child.on('close', (exitCode) => {
      if (exitCode === 0) this.push(null);
      else this.destroy(new Error(`${file} failed: ${complaint.trim() || `exit code ${String(exitCode)}`}`));
    });
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#child.stdin.write(chunk, () => {
      done(); // an EPIPE is no reason: how the child ends is, and that is heard of a little later
    });
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  // What node:http asks of a socket beyond a Duplex.
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#child.ref();
    return this;
  }

  unref(): this {
    this.#child.unref();
    return this;
  }
}

function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_/:.=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
