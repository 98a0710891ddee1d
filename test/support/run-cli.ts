import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const cliPath = fileURLToPath(new URL('../../dist/tscompose.cjs', import.meta.url));

export interface CliRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Given to standard input, which is otherwise empty. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs the built CLI to its end, in an environment with nothing of the developer's own compose or docker settings.
 * Fails when it takes longer than `timeoutMs` (default 25 s).
 */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliRun> {
  const child = startCli(args, options);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  child.stdin?.end(options.input ?? '');
  const { timeoutMs = 25_000 } = options;
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`tscompose ${args.join(' ')} still ran after ${timeoutMs} ms\n${stderr()}`));
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
  return { exitCode, stdout: stdout(), stderr: stderr() };
}

/** For tests that talk to it while it runs, or signal it. */
export function startCli(args: readonly string[], { cwd, env }: CliOptions): ChildProcess {
  return spawn(cliPath, args, { cwd, env: cleanEnvironment(env), stdio: 'pipe' });
}

function cleanEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '/root' } = process.env;
  const ours = Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('TSCOMPOSE_') && value !== undefined ? [[name, value] as const] : [],
  );
  return {
    PATH,
    HOME,
    DOCKER_CONFIG: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    TSCOMPOSE_COMMAND_SERVER: '0',
    ...Object.fromEntries(ours),
    ...more,
  };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  return () => text;
}
