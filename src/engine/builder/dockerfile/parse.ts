import { hasCode, TscomposeError } from '../../../base/errors.js';
import type { Dockerfile, Instruction, InstructionOf, Stage } from './ast.js';
import { type LogicalLine, readLines } from './lines.js';
import { parseInstruction } from './parse-instruction.js';
import { syntaxError } from './syntax-error.js';

/**
 * Parses a whole Dockerfile.
 * @param file - the name used in messages
 * @throws `build/dockerfile-empty`, `build/syntax`, `build/unknown-instruction`; `problems/several` when there are more
 */
export function parseDockerfile(text: string, file: string): Dockerfile {
  if (text.trim() === '') {
    throw new TscomposeError({
      code: 'build/dockerfile-empty',
      message: `the Dockerfile (${file}) cannot be empty`,
      facts: { dockerfile: file },
    });
  }
  const { directives, lines } = readLines(text, file);
  const problems: TscomposeError[] = [];
  const instructions: Instruction[] = [];
  const lineOf = new Map<Instruction, LogicalLine>();
  for (const line of lines) {
    try {
      const instruction = parseInstruction(line, directives.escape);
      instructions.push(instruction);
      lineOf.set(instruction, line);
    } catch (error) {
      if (!hasCode(error, 'build/syntax') && !hasCode(error, 'build/unknown-instruction')) throw error;
      problems.push(error);
    }
  }
  throwAll(problems);
  if (instructions.length === 0) {
    throw new TscomposeError({
      code: 'build/dockerfile-empty',
      message: `failed to parse Dockerfile: file with no instructions`,
      facts: { dockerfile: file },
      at: { file, line: 1, column: 1 },
    });
  }

  const globalArgs: InstructionOf<'ARG'>[] = [];
  const stages: { from: InstructionOf<'FROM'>; instructions: Stage['instructions'][number][] }[] = [];
  for (const instruction of instructions) {
    if (instruction.keyword === 'FROM') {
      stages.push({ from: instruction, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.keyword === 'ARG') globalArgs.push(instruction);
    else problems.push(syntaxError(instruction.at, 'no build stage in current context', instruction.keyword));
  }
  throwAll(problems.slice(0, 1));
  if (stages.length === 0) {
    throw syntaxError(globalArgs[0]?.at ?? { file, line: 1, column: 1 }, 'no build stage in current context');
  }
  return {
    file,
    escape: directives.escape,
    ...(directives.check === undefined ? {} : { check: directives.check }),
    lineOf,
    globalArgs,
    stages: stages.map(({ from, instructions: own }, index) => ({
      from,
      index,
      instructions: own,
      ...(from.name === undefined ? {} : { name: from.name }),
    })),
  };
}

/**
 * An ONBUILD trigger of a base image, at the FROM that fires it.
 * @throws as `parseDockerfile`
 */
export function parseTrigger(
  trigger: string,
  from: InstructionOf<'FROM'>,
): Exclude<Instruction, InstructionOf<'FROM'>> {
  const [line] = readLines(trigger, from.at.file).lines;
  if (line === undefined) throw syntaxError(from.at, 'empty ONBUILD trigger', 'ONBUILD');
  const instruction = parseInstruction({ ...line, at: from.at, locate: () => from.at }, '\\');
  if (instruction.keyword === 'FROM' || instruction.keyword === 'ONBUILD' || instruction.keyword === 'MAINTAINER') {
    throw syntaxError(from.at, `${instruction.keyword} isn't allowed as an ONBUILD trigger`, 'ONBUILD');
  }
  return instruction;
}

function throwAll(problems: readonly TscomposeError[]): void {
  const [first, second] = problems;
  if (first === undefined) return;
  if (second === undefined) throw first;
  throw new TscomposeError({
    code: 'problems/several',
    message: problems.map(({ message }) => message).join('\n'),
    facts: { problems },
  });
}
