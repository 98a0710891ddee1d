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

export interface NeededSources {
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
export function neededSources(dockerfile: Dockerfile, request: BuildRequest): NeededSources {
  const bases = new Map<string, NeededBase>();
  const repositories = new Map<string, NeededSource>();
  const { platforms = [] } = request;
  for (const platform of platforms.length === 0 ? [undefined] : platforms) {
    new Search({ dockerfile, request, platform }, { bases, repositories }).visit(
      findTarget(dockerfile, request.target),
    );
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

/** Goes through the stages of one platform, and adds to what is found. */
class Search {
  readonly #dockerfile: Dockerfile;
  readonly #request: BuildRequest;
  readonly #declared: ReturnType<typeof globalScope>['declared'];
  readonly #found: Found;
  /** Variables at the end of stages. */
  readonly #visited = new Map<Stage, Variables>();

  constructor(input: Parameters<typeof globalScope>[0], found: Found) {
    this.#dockerfile = input.dockerfile;
    this.#request = input.request;
    this.#declared = globalScope(input).declared;
    this.#found = found;
  }

  /** @returns the variables at its end */
  visit(stage: Stage): Variables {
    const known = this.#visited.get(stage);
    if (known !== undefined) return known;
    const { args, bases } = this.#request;
    const { stages, escape } = this.#dockerfile;
    const { from, instructions, index } = stage;
    const name = wordsOf(from, (key) => this.#declared.get(key), escape).one(from.image);
    const parent = stages.slice(0, index).findLast((other) => other.name === name.toLowerCase());
    const reference = parent === undefined ? this.#addImage(name, from.at, true) : undefined;
    const fired = (reference === undefined ? undefined : bases?.triggers?.[reference]) ?? [];
    const all = [...fired.map((trigger) => parseTrigger(trigger, from)), ...instructions];
    const first = parent === undefined ? { args: emptyScope(args), env: new Map() } : this.visit(parent);
    const last = all.reduce((variables: Variables, one) => this.#take(one, stage, variables), first);
    this.#visited.set(stage, last);
    return last;
  }

  /** @returns the variables after it */
  #take(instruction: Instruction, stage: Stage, variables: Variables): Variables {
    const { args, env } = variables;
    const word = (text: string) => wordOf(instruction, text, variables, this.#dockerfile.escape);
    switch (instruction.keyword) {
      case 'ARG':
        return {
          env,
          args: instruction.args.reduce(
            (scope, { name, value }) =>
              declareArg(scope, name, value === undefined ? undefined : word(value), this.#declared.get(name)),
            args,
          ),
        };
      case 'ENV':
        return {
          args,
          env: new Map([...env, ...instruction.pairs.map(({ name, value }) => [name, word(value)] as const)]),
        };
      case 'ADD':
        for (const source of instruction.sources.map(word)) this.#addRepository(source, instruction.at);
        return variables;
      case 'COPY':
        if (instruction.from !== undefined) this.#addSource(instruction.from, stage, instruction.at);
        return variables;
      case 'RUN':
        for (const text of instruction.mounts) {
          const from = mountSource(text);
          if (from !== undefined) this.#addSource(from, stage, instruction.at);
        }
        return variables;
      default:
        return variables;
    }
  }

  /** What `--from` names: an earlier stage by name or number, else an image. */
  #addSource(name: string, { index }: Stage, at: SourceLocation): void {
    const earlier = this.#dockerfile.stages.slice(0, index);
    const isNumber = /^\d+$/.test(name);
    const stage =
      earlier.findLast((other) => other.name === name.toLowerCase()) ?? (isNumber ? earlier[Number(name)] : undefined);
    if (stage !== undefined) this.visit(stage);
    else if (!isNumber) this.#addImage(name, at, false);
  }

  /** @returns the image's reference; undefined for what is none */
  #addImage(name: string, at: SourceLocation, fires: boolean): string | undefined {
    const { bases } = this.#found;
    const context = this.#request.additionalContexts?.[name];
    if (name === 'scratch' || (context !== undefined && context.kind !== 'image')) return undefined;
    const reference = context?.reference ?? name;
    const known = bases.get(reference);
    bases.set(reference, { reference, at: known?.at ?? at, fires: fires || known?.fires === true });
    return reference;
  }

  #addRepository(reference: string | undefined, at: SourceLocation): void {
    const { repositories } = this.#found;
    const repository = reference === undefined ? undefined : parseGitReference(reference);
    if (reference === undefined || repository === undefined || repository.commit !== undefined) return;
    if (!repositories.has(reference)) repositories.set(reference, { reference, at });
  }
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
