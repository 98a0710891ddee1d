import { digestOf } from '../../../base/digest.js';
import { TscomposeError } from '../../../base/errors.js';
import type { ChainId } from '../../snapshots/index.js';
import { digestItems, select, type SourceTree } from '../context/selection.js';
import { RootDoor } from '../rootfs/door.js';
import { ownerOfUser, root0 } from '../rootfs/owner.js';
import { withReadableRoot } from '../rootfs/readable.js';
import { transfer } from '../rootfs/transfer.js';
import { withWritableRoot } from '../rootfs/writable.js';
import type { Operation } from '../solver/operation.js';
import { epochKey, type StepDependencies } from './dependencies.js';
import '../errors.js';

/** FROM: files that are here already. */
export function baseOperation(chainId: ChainId | undefined, description: string): Operation {
  return {
    inputs: [],
    description,
    key: () => Promise.resolve(undefined),
    run: () => Promise.resolve({ chainId }),
  };
}

/** FROM a named context that is a directory: its files are the first layer. */
export function wholeTree(
  dependencies: Pick<StepDependencies, 'layers' | 'epoch'>,
  tree: SourceTree,
  description: string,
): Operation {
  const selected = (signal: AbortSignal) => select({ tree, patterns: ['.'], exclude: [], parents: false, signal });
  return {
    inputs: [],
    description,
    key: async (_, signal) =>
      digestOf(
        JSON.stringify(['tree/1', await digestItems(tree, await selected(signal), signal), ...epochKey(dependencies)]),
      ),
    run: async (_, { signal }) =>
      await withWritableRoot(dependencies, undefined, async ({ root, seal }) => {
        const destination = { path: '/', isDirectory: true };
        const items = await selected(signal);
        await transfer({ tree, items, root, destination, owner: root0, createdOwner: root0, signal });
        return { chainId: (await seal(signal))?.chainId };
      }),
  };
}

/**
 * An instruction that only changes the config: the files stay. It is remembered so that the same Dockerfile gives the
 * same times in the history, and with them the same image.
 * @param config - the whole config after the instruction, as text
 */
export function configOperation(base: Operation, description: string, config: string): Operation {
  return {
    inputs: [base],
    description,
    key: ([input]) =>
      Promise.resolve(digestOf(JSON.stringify(['config/1', input?.chainId ?? null, description, config]))),
    run: ([input]) => Promise.resolve({ chainId: input?.chainId }),
  };
}

export interface WorkdirFacts {
  readonly description: string;
  readonly path: string;
  /** Of the config, as written. */
  readonly user: string;
  /** The whole config after the instruction, as text. */
  readonly config: string;
}

/** WORKDIR: the directory is made where it is missing, 0755 and as BuildKit makes it: whose USER says. */
export function workdirOperation(
  dependencies: Pick<StepDependencies, 'layers' | 'epoch'>,
  base: Operation,
  { description, path, user, config }: WorkdirFacts,
): Operation {
  return {
    inputs: [base],
    description,
    key: ([input]) =>
      Promise.resolve(
        digestOf(JSON.stringify(['workdir/2', input?.chainId ?? null, path, config, ...epochKey(dependencies)])),
      ),
    run: async ([input], { signal }) => {
      const chainId = input?.chainId;
      const door = (root: string): RootDoor => new RootDoor(root, () => noWorkingDirectory(path));
      const isThere = await withReadableRoot(dependencies.layers, chainId, (root) =>
        Promise.resolve(door(root).find(path).stats?.isDirectory() === true),
      );
      if (isThere) return { chainId };
      return await withWritableRoot(dependencies, chainId, async ({ root, seal }) => {
        const inside = door(root);
        inside.makeDirectories(inside.find(path).path, ownerOfUser(root, user));
        const layer = await seal(signal);
        return { chainId: layer?.chainId ?? chainId };
      });
    },
  };
}

function noWorkingDirectory(path: string): TscomposeError<'build/bad-copy'> {
  return new TscomposeError({
    code: 'build/bad-copy',
    message: `cannot make the working directory ${path}: not a directory`,
    facts: { destination: path },
  });
}
