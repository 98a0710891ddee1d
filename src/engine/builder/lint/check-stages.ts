import { hostPlatform } from '../../../registry/index.js';
import type { Dockerfile, Instruction, InstructionOf, Stage } from '../dockerfile/ast.js';
import { expandWord, ExpansionFailure } from '../dockerfile/expand.js';
import { nearest } from '../dockerfile/nearest.js';
import { parsePlatform, platformArgs } from '../plan/platform.js';
import type { LintWarning } from './rules.js';
import { usedNames } from './used-names.js';

const reserved = ['context', 'scratch'];

/** Names of stages, and what FROM starts from. */
export function checkStages(dockerfile: Dockerfile, isReference: (text: string) => boolean): LintWarning[] {
  const defaults = defaultsOf(dockerfile);
  return dockerfile.stages.flatMap((stage) => [
    ...ofName(dockerfile, stage),
    ...ofBase(dockerfile, stage, defaults, isReference),
    ...ofPlatform(dockerfile, stage),
  ]);
}

function ofName({ stages, lineOf }: Dockerfile, { name, index, from }: Stage): LintWarning[] {
  if (name === undefined) return [];
  const at = lineOf.get(from)?.locate(name) ?? from.at;
  const isDouble = stages.slice(0, index).some((other) => other.name === name);
  const doubled = `Duplicate stage name "${name}", stage names should be unique`;
  const taken = `Stage name should not use the same name as reserved stage "${name}"`;
  return [
    ...(reserved.includes(name) ? [{ rule: 'ReservedStageName', message: taken, at } as const] : []),
    ...(isDouble ? [{ rule: 'DuplicateStageName', message: doubled, at } as const] : []),
  ];
}

function ofBase(
  dockerfile: Dockerfile,
  { from }: Stage,
  defaults: ReadonlyMap<string, string>,
  isReference: (text: string) => boolean,
): LintWarning[] {
  const declared = dockerfile.globalArgs.flatMap(({ args }) => args.map(({ name }) => name));
  const known = [...declared, ...platformArgs(hostPlatform(), hostPlatform()).keys()];
  const unknown = usedNames([from.image, from.platform ?? ''], dockerfile.escape).filter(
    ({ name, guarded }) => !guarded && !known.includes(name),
  );
  const undefinedArgs = unknown.map(({ name }): LintWarning => {
    const message = `FROM argument '${name}' is not declared${suggestion(name, known, '')}`;
    return { rule: 'UndefinedArgInFrom', message, at: from.at };
  });
  try {
    const image = expandWord(from.image, (name) => defaults.get(name), dockerfile);
    if (isReference(image)) return undefinedArgs;
  } catch (error) {
    if (error instanceof ExpansionFailure) return undefinedArgs; // the build itself says so
    throw error;
  }
  const message = `Default value for ARG ${from.image} results in empty or invalid base image name`;
  return [...undefinedArgs, { rule: 'InvalidDefaultArgInFrom', message, at: from.at }];
}

function ofPlatform({ escape, lineOf }: Dockerfile, { from, name = '' }: Stage): LintWarning[] {
  const { platform } = from;
  if (platform === undefined) return [];
  const at = lineOf.get(from)?.locate('--platform') ?? from.at;
  if (/^\$(TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(platform)) {
    const message = `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`;
    return [{ rule: 'RedundantTargetPlatform', message, at }];
  }
  const fixed = usedNames([platform], escape).length === 0 ? parsePlatform(platform) : undefined;
  if (fixed === undefined || name.includes(fixed.os) || name.includes(fixed.architecture)) return [];
  const message = `FROM --platform flag should not use constant value "${platform}"`;
  return [{ rule: 'FromPlatformFlagConstDisallowed', message, at }];
}

/** What arguments before the first FROM stand for when nobody gives any. */
function defaultsOf({ globalArgs, escape }: Dockerfile): Map<string, string> {
  const values = new Map(platformArgs(hostPlatform(), hostPlatform()));
  for (const { name, value } of globalArgs.flatMap((instruction: InstructionOf<'ARG'>) => instruction.args)) {
    try {
      if (value !== undefined)
        values.set(
          name,
          expandWord(value, (other) => values.get(other), { escape }),
        );
    } catch (error) {
      if (!(error instanceof ExpansionFailure)) throw error;
    }
  }
  return values;
}

export function suggestion(name: string, known: readonly string[], dollar: '$' | ''): string {
  const near = nearest(name, known);
  return near === undefined ? '' : ` (did you mean ${dollar}${near}?)`;
}

/** Only the last of these in a stage counts. */
export function checkDoubles(stage: Stage): LintWarning[] {
  return stage.instructions.flatMap((instruction: Instruction, index): LintWarning[] => {
    const { keyword } = instruction;
    if (keyword !== 'CMD' && keyword !== 'ENTRYPOINT' && keyword !== 'HEALTHCHECK') return [];
    if (!stage.instructions.slice(index + 1).some((later) => later.keyword === keyword)) return [];
    const message = `Multiple ${keyword} instructions should not be used in the same stage because only the last one will be used`;
    return [{ rule: 'MultipleInstructionsDisallowed', message, at: instruction.at }];
  });
}
