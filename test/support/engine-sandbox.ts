import { execFile, execFileSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { writeFiles } from './test-folder.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'dist/tscompose.cjs');

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `engine status --format json` prints. */
export interface EngineStatus {
  readonly running: boolean;
  readonly pid: number;
  readonly socket: string;
  readonly dataRoot: string;
  readonly version: string;
  readonly apiVersion: string;
}

/** An embedded engine with folders of its own, and the built CLI driving it. */
export class EngineSandbox implements AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'tsc-'));
    const inherited = Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(DOCKER_|COMPOSE_|TSCOMPOSE_)/.test(entry[0]),
    );
    this.env = {
      ...Object.fromEntries(inherited),
      TSCOMPOSE_DATA_ROOT: join(this.folder, 'data'),
      TSCOMPOSE_RUNTIME_DIR: join(this.folder, 'run'),
      TSCOMPOSE_COMMAND_SERVER: '0', // has tests of its own; elsewhere one process less to look at
      ...env,
    };
  }

  /** A folder with these files in it, made below the sandbox. */
  project(name: string, files: Readonly<Record<string, string>>): string {
    const folder = join(this.folder, name);
    writeFiles(folder, files);
    return folder;
  }

  /** A copy of a folder of `fixtures/`. */
  fixture(name: string): string {
    const folder = join(this.folder, name);
    cpSync(join(root, 'fixtures', name), folder, { recursive: true });
    return folder;
  }

  /** Runs the CLI to its end; never throws for an exit code. */
  run(
    args: readonly string[],
    options: { cwd?: string; input?: string; env?: Record<string, string> } = {},
  ): Promise<CommandResult> {
    return new Promise((resolve) => {
      const child = this.#spawn(args, options, (result) => {
        resolve(result);
      });
      child.stdin?.end(options.input ?? '');
    });
  }

  /** Like `run`, and fails the test with both outputs when the exit code is not 0. */
  async ok(
    args: readonly string[],
    options: { cwd?: string; input?: string; env?: Record<string, string> } = {},
  ): Promise<string> {
    const result = await this.run(args, options);
    expect(result, `tscompose ${args.join(' ')}`).toMatchObject({ exitCode: 0 });
    return result.stdout;
  }

  /** Starts the CLI and leaves it running; `ended` settles with its result. */
  start(
    args: readonly string[],
    options: { cwd?: string; env?: Record<string, string> } = {},
  ): { child: ChildProcess; ended: Promise<CommandResult> } {
    let settle: (result: CommandResult) => void = () => undefined;
    const ended = new Promise<CommandResult>((resolve) => {
      settle = resolve;
    });
    return {
      child: this.#spawn(args, options, (result) => {
        settle(result);
      }),
      ended,
    };
  }

  #spawn(
    args: readonly string[],
    { cwd, env }: { cwd?: string; env?: Record<string, string> },
    done: (result: CommandResult) => void,
  ): ChildProcess {
    const settings = {
      cwd: cwd ?? this.folder,
      env: { ...this.env, ...env },
      encoding: 'utf8' as const,
      maxBuffer: 1 << 28,
    };
    const child = execFile(cli, [...args], settings, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
      done({ exitCode, stdout, stderr });
    });
    return child;
  }

  /** What the engine's links, rules and control groups carry in their names: eight digits of a hash of its data root. */
  engineId(): string {
    return createHash('sha256')
      .update(realpathSync(join(this.folder, 'data')))
      .digest('hex')
      .slice(0, 8);
  }

  async status(): Promise<EngineStatus> {
    return JSON.parse(await this.ok(['engine', 'status', '--format', 'json'])) as EngineStatus;
  }

  /** Makes sure the engine runs and has `busybox`. */
  async withBusybox(): Promise<this> {
    const script = join(root, 'scripts/ensure-busybox.mjs');
    await new Promise<void>((resolve, reject) => {
      execFile(process.execPath, [script], { env: this.env }, (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(new Error(`cannot give the engine busybox: ${stderr}`));
      });
    });
    return this;
  }

  /** Ends the engine and whatever it runs, and removes the folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    const log = join(this.folder, 'run/engine.log');
    const stopped = await this.run(['engine', 'stop', '--force']);
    if (stopped.exitCode !== 0) {
      throw new Error(`cannot stop the engine: ${stopped.stderr}\n${readTail(log)}`);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function readTail(path: string): string {
  try {
    return readFileSync(path, 'utf8').slice(-4_000);
  } catch {
    return ''; // the engine never started
  }
}

/** Waits until `holds` returns true. @throws Error after `deadlineMs`, with what was waited for. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** What this machine lacks for the engine; with TSCOMPOSE_REQUIRE_ENGINE=1 that fails instead of skipping. */
export function engineMissing(): string | undefined {
  const missing = process.getuid?.() !== 0 ? 'root' : existsSync('/bin/busybox') ? undefined : 'busybox-static';
  if (missing !== undefined && process.env['TSCOMPOSE_REQUIRE_ENGINE'] === '1') {
    throw new Error(`the engine tests are required and this is missing: ${missing}`);
  }
  return missing;
}

/** stdout of curl, or undefined where it failed. */
export function curl(url: string): string | undefined {
  try {
    return execFileSync('curl', ['-sS', '--fail', '--max-time', '5', '--noproxy', '*', url], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined; // the caller looks at what came back
  }
}
