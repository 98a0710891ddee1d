import { hasCode } from '../../../base/errors.js';
import { parseGitReference } from '../../../base/git/reference.js';
import type { SourceLocation } from '../../../base/source-location.js';
import type { Dockerfile, Instruction, Stage } from '../dockerfile/ast.js';
import { parseTrigger } from '../dockerfile/parse.js';
import { wordsOf } from '../image/apply.js';
import { type ArgScope, argValue, declareArg, emptyScope } from '../image/scope.js';
import type { BuildRequest } from '../request.js';
import { mountSource } from '../steps/mount-flag.js';
import { findTarget, globalScope } from './plan-stages.js';

export interface NeededSource {
  /** As the Dockerfile names it, variables expanded. */
  readonly reference: string;
  readonly at: SourceLocation;
}

export interface NeededBase extends NeededSource {
  /** Some stage starts from it. */
  readonly fires: boolean;
}

export interface Needed {
  /** Images that stages start from, copy from or mount. */
  readonly bases: readonly NeededBase[];
  /** Git repositories that ADD names, without those at a commit. */
  readonly repositories: readonly NeededSource[];
}

/**
 * What a build takes from elsewhere, by what the Dockerfile alone says: only of stages that the target needs, each once.
 * Triggers of base images (ONBUILD) count as far as the request has them; variables that a base image sets are unknown.
 * @throws `build/unknown-stage`, `build/syntax`
 */
export function neededBases(dockerfile: Dockerfile, request: BuildRequest): Needed {
  const bases = new Map<string, NeededBase>();
  const repositories = new Map<string, NeededSource>();
  const { platforms = [] } = request;
  for (const platform of platforms.length === 0 ? [undefined] : platforms) {
    addNeeded(dockerfile, request, platform, { bases, repositories });
  }
  return { bases: [...bases.values()], repositories: [...repositories.values()] };
}

interface Found {
  readonly bases: Map<string, NeededBase>;
  readonly repositories: Map<string, NeededSource>;
}

/** Variables at one place of a stage. */
interface Variables {
  readonly args: ArgScope;
  readonly env: ReadonlyMap<string, string | undefined>;
}

function addNeeded(
  dockerfile: Dockerfile,
  request: BuildRequest,
  platform: string | undefined,
  { bases, repositories }: Found,
): void {
  const seen = new Map<Stage, Variables>();
  const { declared } = globalScope({ dockerfile, request, platform });
  /** @returns the image's reference; undefined for what is none */
  const addImage = (name: string, at: SourceLocation, fires: boolean): string | undefined => {
    const context = request.additionalContexts?.[name];
    if (name === 'scratch' || (context !== undefined && context.kind !== 'image')) return undefined;
    const reference = context?.reference ?? name;
    const known = bases.get(reference);
    bases.set(reference, { reference, at: known?.at ?? at, fires: fires || known?.fires === true });
    return reference;
  };
  const source = (name: string, stage: Stage, at: SourceLocation): void => {
    const earlier = dockerfile.stages.slice(0, stage.index);
    const named =
      earlier.findLast((other) => other.name === name.toLowerCase()) ??
      (/^\d+$/.test(name) ? earlier[Number(name)] : undefined);
    if (named !== undefined) visit(named);
    else if (!/^\d+$/.test(name)) addImage(name, at, false);
  };
  const take = (instruction: Instruction, stage: Stage, variables: Variables): Variables => {
    const { args, env } = variables;
    const word = (text: string) => wordOf(instruction, text, variables, dockerfile.escape);
    switch (instruction.keyword) {
      case 'ARG':
        return {
          env,
          args: instruction.args.reduce(
            (scope, { name, value }) =>
              declareArg(scope, name, value === undefined ? undefined : word(value), declared.get(name)),
            args,
          ),
        };
      case 'ENV':
        return {
          args,
          env: new Map([...env, ...instruction.pairs.map(({ name, value }) => [name, word(value)] as const)]),
        };
      case 'ADD':
        for (const reference of instruction.sources.map(word)) {
          if (reference === undefined) continue;
          const repository = parseGitReference(reference);
          if (repository === undefined || repository.commit !== undefined || repositories.has(reference)) continue;
          repositories.set(reference, { reference, at: instruction.at });
        }
        return variables;
      case 'COPY':
        if (instruction.from !== undefined) source(instruction.from, stage, instruction.at);
        return variables;
      case 'RUN':
        for (const text of instruction.mounts) {
          const from = mountSource(text);
          if (from !== undefined) source(from, stage, instruction.at);
        }
        return variables;
      default:
        return variables;
    }
  };
  const visit = (stage: Stage): Variables => {
    const known = seen.get(stage);
    if (known !== undefined) return known;
    const { from, instructions, index } = stage;
    const name = wordsOf(from, (key) => declared.get(key), dockerfile.escape).one(from.image);
    const parent = dockerfile.stages.slice(0, index).findLast((other) => other.name === name.toLowerCase());
    const reference = parent === undefined ? addImage(name, from.at, true) : undefined;
    const fired = (reference === undefined ? undefined : request.bases?.triggers?.[reference]) ?? [];
    const all = [...fired.map((trigger) => parseTrigger(trigger, from)), ...instructions];
    const first = parent === undefined ? { args: emptyScope(request.args), env: new Map() } : visit(parent);
    const last = all.reduce((variables: Variables, instruction) => take(instruction, stage, variables), first);
    seen.set(stage, last);
    return last;
  };
  visit(findTarget(dockerfile, request.target));
}

/** Undefined where it cannot be told without the base image, such as `${VERSION:?}` of a variable that it may set. */
function wordOf(instruction: Instruction, text: string, { args, env }: Variables, escape: string): string | undefined {
  const lookup = (name: string) => (env.has(name) ? env.get(name) : argValue(args, name));
  try {
    return wordsOf(instruction, lookup, escape).one(text);
  } catch (error) {
    if (hasCode(error, 'build/syntax')) return undefined;
    throw error;
  }
}
