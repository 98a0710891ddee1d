import { posix } from 'node:path';
import type { Dockerfile, Instruction, Stage } from '../dockerfile/ast.js';
import { suggestion } from './check-stages.js';
import type { LintFacts } from './facts.js';
import type { LintWarning } from './rules.js';
import { usedNames } from './used-names.js';

/** What a stage that starts from this one goes on with. */
interface Known {
  /** Undefined where the base image is not here, so that its variables are not known. */
  readonly env: readonly string[] | undefined;
  readonly args: readonly string[];
  readonly hasShell: boolean;
  readonly hasWorkdir: boolean;
}

/** What each instruction says, in the light of those before it. */
export function checkInstructions(dockerfile: Dockerfile, facts: LintFacts): LintWarning[] {
  const after = new Map<string, Known>();
  return dockerfile.stages.flatMap((stage) => {
    let known = after.get(stage.from.image.toLowerCase()) ?? baseOf(stage, facts);
    const warnings: LintWarning[] = [];
    for (const instruction of stage.instructions) {
      warnings.push(...ofInstruction(instruction, known, dockerfile, facts));
      known = withInstruction(known, instruction);
    }
    if (stage.name !== undefined) after.set(stage.name, known);
    return warnings;
  });
}

function baseOf({ from }: Stage, facts: LintFacts): Known {
  return { env: facts.variablesOf(from.image), args: [], hasShell: false, hasWorkdir: false };
}

function withInstruction(known: Known, instruction: Instruction): Known {
  switch (instruction.keyword) {
    case 'ENV':
      return { ...known, env: known.env && [...known.env, ...instruction.pairs.map(({ name }) => name)] };
    case 'ARG':
      return { ...known, args: [...known.args, ...instruction.args.map(({ name }) => name)] };
    case 'SHELL':
      return { ...known, hasShell: true };
    case 'WORKDIR':
      return { ...known, hasWorkdir: known.hasWorkdir || instruction.path.startsWith('/') };
    default:
      return known;
  }
}

function ofInstruction(
  instruction: Instruction,
  known: Known,
  { escape, lineOf }: Dockerfile,
  facts: LintFacts,
): LintWarning[] {
  const { at } = instruction;
  const warnings = undefinedNames(instruction, known, escape);
  const add = (rule: LintWarning['rule'], message: string, token?: string): void => {
    const place = token === undefined ? at : (lineOf.get(instruction)?.locate(token) ?? at);
    warnings.push({ rule, message, at: place });
  };
  switch (instruction.keyword) {
    case 'CMD':
    case 'ENTRYPOINT':
      if (instruction.command.form === 'shell' && !known.hasShell) {
        add(
          'JSONArgsRecommended',
          `JSON arguments recommended for ${instruction.keyword} to prevent unintended behavior related to OS signals`,
        );
      }
      break;
    case 'WORKDIR':
      if (!known.hasWorkdir && !/^["']?[/$]/.test(instruction.path)) {
        add(
          'WorkdirRelativePath',
          `Relative workdir "${instruction.path}" can have unexpected results if the base image changes`,
        );
      }
      break;
    case 'ARG':
    case 'ENV': {
      const names = (instruction.keyword === 'ARG' ? instruction.args : instruction.pairs).map(({ name }) => name);
      for (const name of names.filter(isSecret)) {
        const message = `Do not use ARG or ENV instructions for sensitive data (${instruction.keyword} "${name}")`;
        add('SecretsUsedInArgOrEnv', message, name);
      }
      break;
    }
    case 'EXPOSE':
      for (const port of instruction.ports) {
        const protocol = port.split('/')[1] ?? '';
        if (protocol !== protocol.toLowerCase()) {
          add('ExposeProtoCasing', `Defined protocol '${port}' in EXPOSE instruction should be lowercase`, port);
        }
        if (/^[\d.[\]:a-f-]*:[\d-]+(\/|$)/i.test(port)) {
          const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
          add('ExposeInvalidFormat', message, port);
        }
      }
      break;
    case 'COPY':
    case 'ADD': {
      if (instruction.keyword === 'COPY' && instruction.from !== undefined) break;
      for (const source of instruction.sources) {
        const path = posix.normalize(source).replace(/^\/+|\/+$/g, '');
        if (/^[a-z]+:\/\//i.test(source) || !facts.leavesOut(path === '.' ? '' : path)) continue;
        const verb = instruction.keyword === 'COPY' ? 'Copy' : 'Add';
        const message = `Attempting to ${verb} file "${source}" that is excluded by .dockerignore`;
        add('CopyIgnoredFile', message, source);
      }
      break;
    }
    default:
      break;
  }
  return warnings;
}

function undefinedNames(instruction: Instruction, known: Known, escape: string): LintWarning[] {
  const { env, args } = known;
  if (env === undefined) return [];
  const all = [...env, ...args];
  return usedNames(expandedWords(instruction), escape)
    .filter(({ name, guarded }) => !guarded && !all.includes(name) && !isAutomatic(name))
    .map(({ name }) => ({
      rule: 'UndefinedVar',
      message: `Usage of undefined variable '$${name}'${suggestion(name, all, '$')}`,
      at: instruction.at,
    }));
}

function isAutomatic(name: string): boolean {
  return name.startsWith('BUILDKIT_') || /^(https?|ftp|no|all)_proxy$/i.test(name);
}

/** The words that variables are expanded in when the image is built; those of commands are the shell's. */
function expandedWords(instruction: Instruction): readonly string[] {
  switch (instruction.keyword) {
    case 'ENV':
    case 'LABEL':
      return instruction.pairs.flatMap(({ name, value }) => [name, value]);
    case 'ARG':
      return instruction.args.map(({ value = '' }) => value);
    case 'COPY':
    case 'ADD':
      return [...instruction.sources, instruction.destination, instruction.chown ?? '', instruction.chmod ?? ''];
    case 'WORKDIR':
      return [instruction.path];
    case 'USER':
      return [instruction.user];
    case 'EXPOSE':
      return instruction.ports;
    case 'VOLUME':
      return instruction.paths;
    case 'STOPSIGNAL':
      return [instruction.signal];
    default:
      return [];
  }
}

const secretWords = 'apikey|auth|credentials?|key|password|pword|passwd|secret|token';

/** A name one of whose words says that it is not for everybody. */
function isSecret(name: string): boolean {
  const has = (words: string): boolean => new RegExp(`(?:^|_)(?:${words})(?:_|$)`, 'i').test(name);
  return has(secretWords) && !has('public|file|version');
}
