import { execFile } from 'node:child_process';
import { hasRestarted, projectState } from './project-state.js';
import { eventually, type EngineSandbox } from '../../support/engine-sandbox.js';
import type { Comparison, Scenario, Step } from './scenarios.js';

/** What one command came to, in a form in which two engines can be compared. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: unknown;
  /** Containers of the project afterwards, one a line. */
  readonly state: readonly string[];
}

export interface CommandRun {
  readonly exitCode: number;
  readonly stdout: string;
}

/** Runs one command line of the tool under test in a folder. */
export type RunCommand = (
  args: readonly string[],
  options: { readonly cwd: string; readonly input?: string; readonly env?: Record<string, string> },
) => Promise<CommandRun>;

/** A tool and the engine it drives. */
export interface Side {
  readonly run: RunCommand;
  readonly socket: string;
  /** How long to wait before the state is looked at: dockerd answers before all is said about what it stopped. */
  readonly settleMs: number;
}

export async function ours(sandbox: EngineSandbox): Promise<Side> {
  const { socket } = await sandbox.status();
  return { run: async (args, options) => await sandbox.run(args, options), socket, settleMs: 0 };
}

/** `docker compose` on the engine at DOCKER_HOST, a socket. */
export function peers(): Side {
  const socket = (process.env['DOCKER_HOST'] ?? '').replace('unix://', '');
  return { run: dockerCompose, socket, settleMs: 400 };
}

const dockerCompose: RunCommand = (args, { cwd, input, env }) =>
  new Promise((resolve) => {
    const child = execFile(
      'docker',
      ['compose', ...args],
      { cwd, env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 26 },
      (error, stdout) => {
        resolve({ exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 128, stdout });
      },
    );
    child.stdin?.end(input ?? '');
  });

/** Runs a scenario to its end; outcomes by step. */
export async function play(
  { name, steps }: Scenario,
  { run, socket, settleMs }: Side,
  cwd: string,
): Promise<readonly { readonly step: string; readonly outcome: Outcome }[]> {
  const played: { step: string; outcome: Outcome }[] = [];
  for (const [index, given] of steps.entries()) {
    const step: Step = typeof given === 'string' ? { args: given } : given;
    const options = {
      cwd,
      ...(step.input === undefined ? {} : { input: step.input }),
      ...(step.env === undefined ? {} : { env: { ...step.env } }),
    };
    const { exitCode, stdout } = await run(words(step.args), options);
    const state = (): Promise<readonly string[]> => projectState(name, socket);
    if (settleMs > 0) await new Promise((resolve) => setTimeout(resolve, settleMs));
    if (step.settles !== undefined) {
      const staying: readonly string[] = step.settles === true ? [] : step.settles;
      await eventually(`${name}: ${step.args} settles`, async () => {
        const running = (await state()).filter((line) => line.includes(' running '));
        return running.every((line) => staying.includes(line.split(' ')[0] ?? ''));
      });
    }
    const { becomes, restarts } = step;
    if (becomes !== undefined) await eventually(`${name}: ${becomes}`, async () => (await state()).includes(becomes));
    if (restarts !== undefined)
      await eventually(`${name}: ${restarts} is restarted`, () => hasRestarted(name, restarts, socket));
    played.push({
      step: `${index + 1}: ${step.args}`,
      outcome: {
        exitCode: asLater(exitCode),
        stdout: comparable(stdout, step.stdout ?? 'exact', cwd),
        state: await state(),
      },
    });
  }
  return played;
}

/** docker compose 2.26 tells kinds of failures apart by codes from 14 to 18; releases since 2.40 say 1. */
function asLater(exitCode: number): number {
  return exitCode >= 14 && exitCode <= 18 ? 1 : exitCode;
}

/** Splits at blanks, except between double quotes. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

function comparable(stdout: string, how: Comparison, cwd: string): unknown {
  const text = stdout
    .replaceAll(cwd, '$DIR')
    .replaceAll('\u001b[2K', '') // 2.26 clears a line that it has not written to
    .replaceAll('\r\n', '\n')
    .replace(/\b[0-9a-f]{64}\b/g, '$ID')
    .replace(/-run-[0-9a-f]{12}\b/g, '-run-$SLUG');
  switch (how) {
    case 'none':
      return '';
    case 'exact':
      return text.replace(/[ \t]+$/gm, '');
    case 'lines':
      return text.split('\n').filter(Boolean).map(withoutTimes).sort();
    case 'json':
      return jsonValues(text).map(stable);
  }
}

/** Of a table of processes only what both machines have alike. */
function withoutTimes(line: string): string {
  return /\d\d:\d\d/.test(line) ? line.replace(/^.*\s\S*\d:\d\d(?::\d\d)?\s+/, '') : line.replace(/ {2,}/g, '  ');
}

function jsonValues(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return text
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line));
  }
}

/** Members that differ from run to run or from machine to machine. */
const volatile = new Set(['ID', 'CreatedAt', 'RunningFor', 'Status', 'Size', 'Labels', 'Mounts']);

function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable);
  if (typeof value !== 'object' || value === null) return value;
  // A project's own status says nothing of time: `running(1)`.
  const timed = 'RunningFor' in value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'Engine') // releases since have it
      .map(([key, member]) => [
        key,
        timed && volatile.has(key) ? typeof member : key === 'Publishers' ? (stable(member) ?? []) : stable(member),
      ]),
  );
}
