import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { digestOf } from '../../../base/digest.js';
import { TscomposeError } from '../../../base/errors.js';
import type { ChainId } from '../../snapshots/index.js';
import { resolve } from '../rootfs/transfer.js';
import { withReadableRoot } from '../rootfs/readable.js';
import { withWritableRoot } from '../rootfs/writable.js';
import type { Operation } from '../solver/operation.js';
import type { StepDependencies } from './dependencies.js';
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

/** WORKDIR: the directory is made where it is missing, root's and 0755. */
export function workdirOperation(
  { layers }: Pick<StepDependencies, 'layers'>,
  base: Operation,
  description: string,
  path: string,
  config: string,
): Operation {
  return {
    inputs: [base],
    description,
    key: ([input]) => Promise.resolve(digestOf(JSON.stringify(['workdir/1', input?.chainId ?? null, path, config]))),
    run: async ([input], { signal }) => {
      const chainId = input?.chainId;
      const isThere = await withReadableRoot(layers, chainId, (root) =>
        Promise.resolve(lstatSync(resolve(root, path), { throwIfNoEntry: false })?.isDirectory() === true),
      );
      if (isThere) return { chainId };
      return await withWritableRoot(layers, chainId, async ({ root, seal }) => {
        makeDirectories(resolve(root, path), path);
        const layer = await seal(signal);
        return { chainId: layer?.chainId ?? chainId };
      });
    },
  };
}

function makeDirectories(whole: string, path: string): void {
  const stats = lstatSync(whole, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return;
  if (stats !== undefined) {
    throw new TscomposeError({
      code: 'build/bad-copy',
      message: `cannot make the working directory ${path}: not a directory`,
      facts: { destination: path },
    });
  }
  makeDirectories(dirname(whole), path);
  mkdirSync(whole, { mode: 0o755 });
  chmodSync(whole, 0o755); // whatever our umask
}
