import { chmodSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Ulimit } from '../../../api/container.js';
import { CleanupStack } from '../../../base/cleanup-stack.js';
import { type Digest, digestOf } from '../../../base/digest.js';
import { TscomposeError } from '../../../base/errors.js';
import { hostPlatform, platformText } from '../../../registry/index.js';
import { digestItems, select, type SourceTree } from '../context/selection.js';
import type { DeviceWish, InstructionOf } from '../dockerfile/ast.js';
import type { BuildNetwork } from '../request.js';
import { likeRoot, writeMountPoints } from '../rootfs/mount-points.js';
import { withReadableRoot } from '../rootfs/readable.js';
import { sealUpper } from '../rootfs/writable.js';
import type { Operation, Outcome, RunIo } from '../solver/operation.js';
import { epochKey, type StepDependencies } from './dependencies.js';
import type { RunMount } from './mount-flag.js';
import { createTail } from './output-tail.js';
import type { RunCommand } from './run-command.js';
import { prepareMounts, type PreparedMount } from './run-mounts.js';
import '../errors.js';

export interface RunFacts {
  readonly instruction: InstructionOf<'RUN'>;
  readonly base: Operation;
  /** Of the base's programs. */
  readonly platform: string;
  readonly command: RunCommand;
  /** What the error says was run. */
  readonly shownCommand: string;
  readonly env: readonly string[];
  /** Seen by the command, not by the key. */
  readonly hiddenEnv: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly networkMode: BuildNetwork;
  readonly extraHosts: readonly string[];
  readonly shmSizeBytes: number | undefined;
  readonly ulimits: readonly Ulimit[];
  /** With all capabilities and devices, without filters. */
  readonly insecure: boolean;
  /** `from`: a stage or an image, or a directory of its own; undefined for the context. */
  readonly mounts: readonly { readonly mount: RunMount; readonly from: Operation | SourceTree | undefined }[];
  readonly devices: readonly DeviceWish[];
}

/** RUN: a command in a container over the base's files, and what it changed as a layer. */
export function runOperation(dependencies: StepDependencies, facts: RunFacts): Operation {
  const inputs = [facts.base, ...facts.mounts.flatMap(({ from }) => (isOperation(from) ? [from] : []))];
  return {
    inputs,
    description: facts.instruction.text,
    key: (outcomes, signal) => keyOf(dependencies, facts, outcomes, signal),
    run: (outcomes, io) => run(dependencies, facts, outcomes, io),
  };
}

async function keyOf(
  dependencies: StepDependencies,
  facts: RunFacts,
  outcomes: readonly Outcome[],
  signal: AbortSignal,
): Promise<Digest> {
  const { context } = dependencies;
  const [base, ...mounted] = outcomes;
  const mounts: unknown[] = [];
  let next = 0;
  for (const { mount, from } of facts.mounts) {
    if (isOperation(from)) {
      mounts.push([mount, mounted[next++]?.chainId ?? null]);
    } else if (mount.type === 'bind') {
      const tree = from ?? context;
      const items = await select({ tree, patterns: [mount.source], exclude: [], parents: false, signal });
      mounts.push([mount, await digestItems(tree, items, signal)]);
    } else {
      mounts.push([mount]);
    }
  }
  const { command, env, cwd, user, networkMode, extraHosts, shmSizeBytes, ulimits, insecure, devices } = facts;
  return digestOf(
    JSON.stringify([
      'run/1',
      base?.chainId ?? null,
      command,
      env,
      cwd,
      user,
      networkMode,
      extraHosts,
      shmSizeBytes ?? 0,
      mounts,
      ...(ulimits.length === 0 ? [] : [{ ulimits }]),
      ...(insecure ? ['insecure'] : []),
      ...(devices.length === 0 ? [] : [{ devices }]),
      ...epochKey(dependencies),
    ]),
  );
}

async function run(
  dependencies: StepDependencies,
  facts: RunFacts,
  outcomes: readonly Outcome[],
  { onOutput, signal }: RunIo,
): Promise<Outcome> {
  const { layers, runStep } = dependencies;
  const [base, ...mounted] = outcomes;
  await using undo = new CleanupStack();
  const scratch = async (): Promise<string> => {
    const path = await layers.scratch();
    undo.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  let next = 0;
  const mounts = await prepareMounts(
    dependencies,
    facts.mounts.map(({ mount, from }) => ({
      mount,
      source: isOperation(from) ? { id: mounted[next++]?.chainId } : (from ?? dependencies.context),
    })),
    undo,
    signal,
  );
  if (facts.command.script !== undefined) mounts.push(scriptMount(facts.command.script, await scratch()));

  const upper = await scratch();
  const lower = [...layers.lowerDirs(base?.chainId)];
  likeRoot(upper, lower[0]);
  if (mounts.length > 0) {
    const mountPoints = await scratch();
    await withReadableRoot(layers, base?.chainId, (root) => {
      writeMountPoints(
        mountPoints,
        root,
        mounts.map(({ point }) => point),
      );
      return Promise.resolve();
    });
    lower.unshift(mountPoints);
  }
  const tail = createTail();
  const { exitCode } = await runStep({
    rootfs: { lower, upper, work: await scratch() },
    args: facts.command.args,
    env: [
      ...facts.env,
      ...facts.hiddenEnv,
      ...(await secretVariables(dependencies, facts, signal)),
      ...agentVariable(facts),
    ],
    cwd: facts.cwd,
    user: facts.user,
    mounts: mounts.map(({ mount }) => mount),
    networkMode: facts.networkMode,
    extraHosts: facts.extraHosts,
    hostConfig: {
      ...(facts.shmSizeBytes === undefined ? {} : { ShmSize: facts.shmSizeBytes }),
      ...(facts.ulimits.length === 0 ? {} : { Ulimits: [...facts.ulimits] }),
      ...(facts.insecure ? { Privileged: true } : {}),
    },
    devices: facts.devices,
    onOutput: (chunk) => {
      tail.push(chunk);
      onOutput(chunk);
    },
    signal,
  });
  signal.throwIfAborted();
  if (exitCode !== 0 && /exec format error/i.test(tail.text()) && isForeign(facts.platform)) {
    throw new TscomposeError({
      code: 'build/no-emulation',
      message: `cannot run a command for ${facts.platform}: this machine's kernel has no emulator for it`,
      facts: { platform: facts.platform },
      hint: 'install qemu-user-static and binfmt-support, or build that stage FROM --platform=$BUILDPLATFORM',
    });
  }
  if (exitCode !== 0) {
    const command = facts.shownCommand.replaceAll('\n', '\\n'); // a heredoc's, in a message of one line
    throw new TscomposeError({
      code: 'build/step-failed',
      message: `The command '${command}' returned a non-zero code: ${exitCode}`,
      facts: {
        instruction: facts.instruction.text,
        command,
        line: facts.instruction.at.line,
        exitCode,
        tail: tail.text(),
      },
      at: facts.instruction.at,
    });
  }
  const layer = await sealUpper(dependencies, base?.chainId, upper, signal);
  return { chainId: layer?.chainId ?? base?.chainId };
}

/** The kernel itself runs only this machine's programs; with a handler for others (binfmt_misc) it runs those as well. */
function isForeign(platform: string): boolean {
  return !platform.startsWith(platformText(hostPlatform()));
}

function isOperation(from: Operation | SourceTree | undefined): from is Operation {
  return from !== undefined && 'inputs' in from;
}

async function secretVariables(
  { secrets }: StepDependencies,
  { mounts }: RunFacts,
  signal: AbortSignal,
): Promise<string[]> {
  const variables: string[] = [];
  for (const { mount } of mounts) {
    if (mount.type !== 'secret' || mount.env === undefined) continue;
    const value = await secrets(mount.id, signal);
    if (value !== undefined) variables.push(`${mount.env}=${Buffer.from(value).toString()}`);
  }
  return variables;
}

/** The first agent's socket, where nothing else is said. */
function agentVariable({ mounts, env }: RunFacts): string[] {
  const agent = mounts.find(({ mount }) => mount.type === 'ssh');
  const isSet = env.some((entry) => entry.startsWith('SSH_AUTH_SOCK='));
  return agent === undefined || isSet ? [] : [`SSH_AUTH_SOCK=${agent.mount.target}`];
}

function scriptMount(script: { readonly path: string; readonly content: string }, directory: string): PreparedMount {
  const source = `${directory}/script`;
  writeFileSync(source, script.content);
  chmodSync(source, 0o755);
  return {
    mount: { destination: script.path, type: 'bind', source, options: ['bind', 'ro'] },
    point: { path: script.path, type: 'file' },
  };
}
