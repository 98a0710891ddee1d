import { posix } from 'node:path';
import { TscomposeError } from '../../../base/errors.js';
import { isDigest } from '../../../base/digest.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { platformText } from '../../../registry/index.js';
import { isRepository } from '../context/git-trees.js';
import type { SourceTree } from '../context/selection.js';
import type { Instruction, InstructionOf } from '../dockerfile/ast.js';
import { expandWord } from '../dockerfile/expand.js';
import { syntaxError } from '../dockerfile/syntax-error.js';
import { applyToConfig, type ConfigInstruction, lookupIn, type Words, wordsOf } from '../image/apply.js';
import { envOf, type ImageState, shellOf } from '../image/image-state.js';
import { argValue, type ArgScope, declareArg, hiddenArgs, visibleArgs } from '../image/scope.js';
import type { BuildRequest } from '../request.js';
import { parseMode } from '../rootfs/mode.js';
import type { Destination } from '../rootfs/transfer.js';
import type { Operation } from '../solver/operation.js';
import { configOperation, workdirOperation } from '../steps/base-operations.js';
import { copyOperation } from '../steps/copy-operation.js';
import type { StepDependencies } from '../steps/dependencies.js';
import { gitFiles } from '../steps/git-files.js';
import { parseMount } from '../steps/mount-flag.js';
import { isRemote, remoteFile } from '../steps/remote-file.js';
import { runCommand } from '../steps/run-command.js';
import { runOperation } from '../steps/run-operation.js';
import { located } from './located.js';
import type { PlannedStep } from './planned-step.js';

/** What instructions of a stage may name with `--from`. */
export interface Sources {
  from(name: string, at: SourceLocation): Promise<Operation | SourceTree>;
}

export interface InstructionInput {
  readonly instruction: Exclude<Instruction, InstructionOf<'FROM'>>;
  readonly kind: PlannedStep['kind'];
  readonly previous: PlannedStep;
  readonly stage: string;
  readonly scope: ArgScope;
  readonly global: ArgScope;
  readonly escape: string;
  readonly request: BuildRequest;
  readonly sources: Sources;
  readonly dependencies: StepDependencies;
}

interface Planned {
  readonly step: PlannedStep;
  readonly scope: ArgScope;
}

/** @throws `build/syntax`, `build/not-entitled`, and what finding a `--from` throws */
export async function planInstruction(input: InstructionInput): Promise<Planned> {
  const { instruction, previous, scope, escape } = input;
  const lookup = lookupIn(previous.state, (name) => argValue(scope, name));
  const words = wordsOf(instruction, lookup, escape);
  switch (instruction.keyword) {
    case 'ARG':
      return planArg(input, instruction, words);
    case 'RUN':
      return { step: { ...(await planRun(input, instruction, words)), shown: shownText(input, lookup) }, scope };
    case 'COPY':
    case 'ADD':
      return { step: { ...(await planCopy(input, instruction, words)), shown: shownText(input, lookup) }, scope };
    case 'ENV':
    case 'LABEL':
    case 'USER':
    case 'EXPOSE':
    case 'VOLUME':
    case 'ENTRYPOINT':
    case 'CMD':
    case 'MAINTAINER':
    case 'STOPSIGNAL':
    case 'HEALTHCHECK':
    case 'SHELL':
    case 'ONBUILD':
    case 'WORKDIR':
      return { step: planConfig(input, instruction, words), scope };
  }
}

/** Variables that nothing is known of stay as they are: the shell may know them. */
function shownText({ instruction, escape }: InstructionInput, lookup: (name: string) => string | undefined): string {
  try {
    return expandWord(instruction.text, (name) => lookup(name) ?? `$${name}`, { escape, quotes: 'raw' });
  } catch {
    return instruction.text; // no word of ours, but the shell's
  }
}

function stepOf(
  { instruction, kind, previous, stage }: InstructionInput,
  more: Pick<PlannedStep, 'operation' | 'state'> & {
    createdBy: NonNullable<PlannedStep['createdBy']>;
    notes?: string[];
  },
): PlannedStep {
  return {
    instruction,
    kind,
    previous,
    stage,
    state: more.state,
    operation: located(more.operation, instruction),
    createdBy: more.createdBy,
    notes: more.notes ?? [],
  };
}

/** The history shows what ran no command behind `#(nop)`. */
function nop(state: ImageState, shown: string): string {
  return `${shellOf(state).join(' ')} #(nop) ${shown}`;
}

function planConfig(input: InstructionInput, instruction: ConfigInstruction, words: Words): PlannedStep {
  const { previous, dependencies } = input;
  const { state, shown } = applyToConfig(previous.state, instruction, words);
  const config = JSON.stringify([state.config, state.author ?? null]);
  const operation =
    instruction.keyword === 'WORKDIR'
      ? workdirOperation(dependencies, previous.operation, {
          description: instruction.text,
          path: state.config.WorkingDir ?? '/',
          user: state.config.User ?? '',
          config,
        })
      : configOperation(previous.operation, instruction.text, config);
  const notes: string[] = [];
  const before = previous.state.config.Healthcheck?.Test;
  if (instruction.keyword === 'HEALTHCHECK' && before != null && before.length > 0) {
    notes.push(`Note: overriding previous HEALTHCHECK: [${before.join(' ')}]`);
  }
  return stepOf(input, { operation, state, createdBy: () => nop(state, shown), notes });
}

function planArg(input: InstructionInput, instruction: InstructionOf<'ARG'>, words: Words): Planned {
  const { previous, global } = input;
  let { scope } = input;
  const shown: string[] = [];
  for (const { name, value } of instruction.args) {
    const fallback = value === undefined ? undefined : words.one(value);
    scope = declareArg(scope, name, fallback, global.declared.get(name));
    shown.push(fallback === undefined ? name : `${name}=${fallback}`);
  }
  const { state } = previous;
  const operation = configOperation(
    previous.operation,
    instruction.text,
    JSON.stringify([state.config, state.author ?? null, shown]),
  );
  return { step: stepOf(input, { operation, state, createdBy: () => nop(state, ` ARG ${shown.join(' ')}`) }), scope };
}

async function planRun(input: InstructionInput, instruction: InstructionOf<'RUN'>, words: Words): Promise<PlannedStep> {
  const { previous, scope, request, sources, dependencies } = input;
  const { state } = previous;
  const insecure = instruction.security === 'insecure';
  if (insecure) requireEntitlement(input, 'security.insecure', 'RUN --security=insecure');
  if (instruction.network === 'host' && request.networkMode !== 'host') {
    requireEntitlement(input, 'network.host', 'RUN --network=host');
  }
  if (instruction.devices.length > 0) requireEntitlement(input, 'device', 'RUN --device');
  const shell = shellOf(state);
  const command = runCommand(instruction.command, shell);
  const env = envOf(state.config);
  const args = visibleArgs(scope, env);
  const hidden = hiddenArgs(scope, env);
  const shownCommand = command.script === undefined ? command.args.join(' ') : instruction.text.slice('RUN '.length);
  const mounts: { mount: ReturnType<typeof parseMount>; from: Operation | SourceTree | undefined }[] = [];
  for (const text of instruction.mounts) {
    const agents = mounts.filter((other) => other.mount.type === 'ssh').length;
    const mount = parseMount(text, instruction, words.one, agents);
    const from = mount.type === 'bind' || mount.type === 'cache' ? mount.from : undefined;
    const source = from === undefined ? undefined : await sources.from(from, instruction.at);
    if (mount.type === 'bind' && from === undefined) dependencies.needed.add(mount.source);
    const target = mount.target === '' ? '' : posix.resolve('/', state.config.WorkingDir ?? '/', mount.target);
    if (target === '/') throw syntaxError(instruction.at, `invalid mount target "/" in --mount=${text}`, 'RUN');
    mounts.push({ mount: { ...mount, target }, from: source });
  }
  const operation = runOperation(dependencies, {
    instruction,
    base: previous.operation,
    platform: platformText(state),
    command,
    shownCommand,
    env: [...env, ...args].map(([name, value]) => `${name}=${value}`),
    hiddenEnv: hidden.map(([name, value]) => `${name}=${value}`),
    cwd: state.config.WorkingDir === undefined || state.config.WorkingDir === '' ? '/' : state.config.WorkingDir,
    user: state.config.User ?? '',
    networkMode:
      instruction.network === undefined || instruction.network === 'default'
        ? request.networkMode
        : instruction.network,
    extraHosts: request.extraHosts ?? [],
    shmSizeBytes: request.shmSizeBytes,
    ulimits: request.ulimits ?? [],
    insecure,
    mounts,
    devices: instruction.devices.map(({ name, required }) => ({ name: words.one(name), required })),
  });
  const isBare = args.length === 0 && hidden.length === 0;
  const prefix = isBare ? '' : `|${args.length} ${args.map(([name, value]) => `${name}=${value} `).join('')}`;
  return stepOf(input, { operation, state, createdBy: () => `${prefix}${shownCommand}` });
}

async function planCopy(
  input: InstructionInput,
  instruction: InstructionOf<'COPY'> | InstructionOf<'ADD'>,
  words: Words,
): Promise<PlannedStep> {
  const { previous, sources: stages, dependencies } = input;
  const { state } = previous;
  const { keyword } = instruction;
  const expanded = instruction.sources.map(words.one);
  const shownDestination = words.one(instruction.destination);
  const destination = destinationOf(state, shownDestination);
  const chown = instruction.chown === undefined ? undefined : words.one(instruction.chown);
  const chmod = instruction.chmod === undefined ? undefined : words.one(instruction.chmod);
  if (chmod !== undefined && parseMode(chmod) === undefined) {
    throw syntaxError(
      instruction.at,
      `invalid chmod parameter: '${chmod}'. it should be octal string and between 0 and 07777`,
      keyword,
    );
  }
  const fetched = keyword === 'ADD' ? expanded.filter((source) => isRepository(source) || isRemote(source)) : [];
  const from: Operation | SourceTree | undefined =
    instruction.keyword === 'COPY' && instruction.from !== undefined
      ? await stages.from(instruction.from, instruction.at)
      : undefined;
  const local = expanded.filter((source) => !fetched.includes(source));
  if (from === undefined) for (const source of local) dependencies.needed.add(source);
  const checksum =
    instruction.keyword === 'ADD' && instruction.checksum !== undefined ? words.one(instruction.checksum) : undefined;
  if (checksum !== undefined) checkChecksum(instruction, checksum, { sources: expanded, fetched });
  const keepGitDir = instruction.keyword === 'ADD' && instruction.keepGitDir;
  const operation = copyOperation(dependencies, {
    instruction,
    base: previous.operation,
    from,
    sources: local,
    inlineFiles: instruction.heredocs.map(({ name, content, expand }) => ({
      name,
      content: expand ? words.raw(content) : content,
    })),
    remoteFiles: fetched.map((url) => {
      const common = { url, at: instruction.at, ...(checksum === undefined ? {} : { checksum }) };
      return isRepository(url)
        ? gitFiles(dependencies, { ...common, keepGitDir })
        : remoteFile(dependencies, { ...common, isDirectory: destination.isDirectory });
    }),
    destination,
    chown,
    chmod,
  });
  const flags = [
    ...(chown === undefined ? [] : [`--chown=${chown} `]),
    ...(chmod === undefined ? [] : [`--chmod=${chmod} `]),
  ].join('');
  return stepOf(input, {
    operation,
    state,
    createdBy: ({ detail }) => nop(state, `${keyword} ${flags}${detail ?? ''} in ${shownDestination} `),
  });
}

/** A sum that nobody compares with anything would only look like a check. @throws `build/syntax` */
function checkChecksum(
  { at, heredocs }: InstructionOf<'COPY'> | InstructionOf<'ADD'>,
  checksum: string,
  { sources, fetched }: { readonly sources: readonly string[]; readonly fetched: readonly string[] },
): void {
  const wrong =
    sources.length + heredocs.length > 1
      ? "checksum can't be specified for multiple sources"
      : fetched.length === 0
        ? "checksum can't be specified for non-HTTP(S) and non-git sources"
        : fetched.some((url) => !isRepository(url)) && !isDigest(checksum)
          ? `invalid checksum "${checksum}": it is sha256: and 64 hexadecimal digits`
          : undefined;
  if (wrong !== undefined) throw syntaxError(at, wrong, 'ADD');
}

function destinationOf(state: ImageState, text: string): Destination {
  const workingDir = state.config.WorkingDir ?? '/';
  const isDirectory = text === '' || text === '.' || text.endsWith('/') || text.endsWith('/.');
  return { path: posix.resolve('/', workingDir, text), isDirectory };
}

/** @throws `build/not-entitled` */
function requireEntitlement({ instruction, request }: InstructionInput, entitlement: string, what: string): void {
  if (request.entitlements?.includes(entitlement) === true) return;
  throw new TscomposeError({
    code: 'build/not-entitled',
    message: `dockerfile parse error on line ${instruction.at.line}: ${what} is not allowed in this build`,
    facts: { entitlement },
    hint: `allow it in the compose file with build.entitlements: [${entitlement}]${
      entitlement === 'security.insecure' ? ' or build.privileged: true' : ''
    }`,
    at: instruction.at,
  });
}
