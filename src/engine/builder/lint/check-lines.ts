import type { Dockerfile, Instruction, InstructionOf } from '../dockerfile/ast.js';
import type { LogicalLine } from '../dockerfile/lines.js';
import type { LintWarning } from './rules.js';

/** What only the written line shows: case, comments, empty lines, old forms. */
export function checkLines(dockerfile: Dockerfile): LintWarning[] {
  const lines = [...dockerfile.lineOf];
  const isLower = majorityIsLower(lines.map(([, { keyword }]) => keyword));
  return lines.flatMap(([instruction, line]) => [
    ...casing(line, isLower),
    ...line.emptyLines.map((at) => ({ rule: 'NoEmptyContinuation', message: 'Empty continuation line', at }) as const),
    ...(instruction.keyword === 'FROM' ? ofFrom(instruction, line) : []),
    ...(instruction.keyword === 'ENV' || instruction.keyword === 'LABEL' ? ofPairs(instruction, line) : []),
    ...(instruction.keyword === 'MAINTAINER'
      ? [{ rule: 'MaintainerDeprecated', message: 'MAINTAINER is deprecated: use a label', at: line.at } as const]
      : []),
    ...description(instruction, line),
  ]);
}

function majorityIsLower(keywords: readonly string[]): boolean {
  const lower = keywords.filter((word) => word === word.toLowerCase()).length;
  const upper = keywords.filter((word) => word === word.toUpperCase()).length;
  return lower > upper;
}

function casing({ keyword, at }: LogicalLine, isLower: boolean): LintWarning[] {
  if (keyword === (isLower ? keyword.toLowerCase() : keyword.toUpperCase())) return [];
  const wanted = isLower ? 'lowercase' : 'uppercase';
  const message = `Command '${keyword}' should match the case of the command majority (${wanted})`;
  return [{ rule: 'ConsistentInstructionCasing', message, at }];
}

function ofFrom(from: InstructionOf<'FROM'>, line: LogicalLine): LintWarning[] {
  const [as = '', name] = line.rest.split(/\s+/).slice(-2);
  if (from.name === undefined || name === undefined) return [];
  const warnings: LintWarning[] = [];
  if (name !== name.toLowerCase()) {
    const message = `Stage name '${name}' should be lowercase`;
    warnings.push({ rule: 'StageNameCasing', message, at: line.locate(name) });
  }
  const { keyword } = line;
  const matches =
    keyword === keyword.toLowerCase()
      ? as === as.toLowerCase()
      : keyword !== keyword.toUpperCase() || as === as.toUpperCase();
  if (!matches) {
    const message = `'${as}' and '${keyword}' keywords' casing do not match`;
    warnings.push({ rule: 'FromAsCasing', message, at: line.locate(` ${as} `) });
  }
  return warnings;
}

function ofPairs({ keyword }: Instruction, { rest, at }: LogicalLine): LintWarning[] {
  if (/^[^\s=]*=/.test(rest) || /^["'].*?["']=/.test(rest)) return [];
  const message = `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`;
  return [{ rule: 'LegacyKeyValueFormat', message, at }];
}

/** `# name what it is for`, directly above a stage or an argument. */
function description(instruction: Instruction, { comments, at }: LogicalLine): LintWarning[] {
  const comment = comments.at(-1);
  const names =
    instruction.keyword === 'FROM'
      ? [instruction.name ?? '']
      : instruction.keyword === 'ARG'
        ? instruction.args.map(({ name }) => name)
        : [];
  const [first = ''] = names;
  if (first === '' || comment === undefined || /^[a-z]+\s*=/i.test(comment)) return [];
  if (names.some((name) => comment.split(/\s/)[0]?.toLowerCase() === name.toLowerCase())) return [];
  const message = `Comment for ${instruction.keyword} should follow the format: \`# ${first} <description>\``;
  return [{ rule: 'InvalidDefinitionDescription', message, at }];
}
