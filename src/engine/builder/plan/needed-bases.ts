import type { SourceLocation } from '../../../base/source-location.js';
import type { Dockerfile, Stage } from '../dockerfile/ast.js';
import { wordsOf } from '../image/apply.js';
import type { BuildRequest } from '../request.js';
import { mountSource } from '../steps/mount-flag.js';
import { findTarget, globalScope } from './plan-stages.js';

export interface NeededBase {
  /** As the Dockerfile names it, variables expanded. */
  readonly reference: string;
  readonly at: SourceLocation;
}

/**
 * The images that a build starts from or copies from, by what the Dockerfile alone says: only of stages that the target
 * needs, each once. What triggers of a base image name (ONBUILD) is not known before that image is there.
 * @throws `build/unknown-stage`, `build/syntax`
 */
export function neededBases(dockerfile: Dockerfile, request: BuildRequest): readonly NeededBase[] {
  const found = new Map<string, NeededBase>();
  const { platforms = [] } = request;
  for (const platform of platforms.length === 0 ? [undefined] : platforms) {
    basesFor(dockerfile, request, platform, found);
  }
  return [...found.values()];
}

function basesFor(
  dockerfile: Dockerfile,
  request: BuildRequest,
  platform: string | undefined,
  found: Map<string, NeededBase>,
): void {
  const seen = new Set<Stage>();
  const { declared } = globalScope({ dockerfile, request, platform });
  const addImage = (name: string, at: SourceLocation): void => {
    const context = request.additionalContexts?.[name];
    if (name === 'scratch' || (context !== undefined && context.kind !== 'image')) return;
    const reference = context?.reference ?? name;
    if (!found.has(reference)) found.set(reference, { reference, at });
  };
  const source = (name: string, stage: Stage, at: SourceLocation): void => {
    const earlier = dockerfile.stages.slice(0, stage.index);
    const named =
      earlier.findLast((other) => other.name === name.toLowerCase()) ??
      (/^\d+$/.test(name) ? earlier[Number(name)] : undefined);
    if (named !== undefined) visit(named);
    else if (!/^\d+$/.test(name)) addImage(name, at);
  };
  const visit = (stage: Stage): void => {
    if (seen.has(stage)) return;
    seen.add(stage);
    const { from, instructions, index } = stage;
    const name = wordsOf(from, (key) => declared.get(key), dockerfile.escape).one(from.image);
    const parent = dockerfile.stages.slice(0, index).findLast((other) => other.name === name.toLowerCase());
    if (parent !== undefined) visit(parent);
    else addImage(name, from.at);
    for (const instruction of instructions) {
      if (instruction.keyword === 'COPY' && instruction.from !== undefined) {
        source(instruction.from, stage, instruction.at);
      } else if (instruction.keyword === 'RUN') {
        for (const text of instruction.mounts) {
          const from = mountSource(text);
          if (from !== undefined) source(from, stage, instruction.at);
        }
      }
    }
  };
  visit(findTarget(dockerfile, request.target));
}
