import { digestOf, type Digest } from '../../../base/digest.js';
import type { HistoryEntry, OciImageConfig } from '../../images/index.js';
import type { ChainId } from '../../snapshots/index.js';
import type { PlannedStep } from '../plan/planned-step.js';
import type { Operation, Solved } from '../solver/operation.js';

export interface RenderedImage {
  readonly config: Omit<OciImageConfig, 'rootfs'>;
  readonly chainId: ChainId | undefined;
}

/** The image after `step`, all of whose operations are solved. The same outcomes give the same bytes. */
export function renderImage(step: PlannedStep, outcomeOf: (operation: Operation) => Solved): RenderedImage {
  const history: HistoryEntry[] = [];
  let created: string | undefined;
  for (let at: PlannedStep | undefined = step; at !== undefined; at = at.previous) {
    const solved = outcomeOf(at.operation);
    if (at.createdBy !== undefined && at.previous !== undefined) {
      created ??= solved.createdAt;
      const isEmpty = solved.chainId === outcomeOf(at.previous.operation).chainId;
      history.unshift({
        created: solved.createdAt,
        created_by: at.createdBy(solved),
        ...(at.state.author === undefined ? {} : { author: at.state.author }),
        ...(isEmpty ? { empty_layer: true } : {}),
      });
    }
  }
  const { state } = step;
  created ??= outcomeOf(step.operation).createdAt;
  return {
    chainId: outcomeOf(step.operation).chainId,
    config: {
      architecture: state.architecture,
      ...(state.variant === undefined ? {} : { variant: state.variant }),
      os: state.os,
      ...(state['os.version'] === undefined ? {} : { 'os.version': state['os.version'] }),
      created,
      ...(state.author === undefined ? {} : { author: state.author }),
      config: state.config,
      history: [...state.baseHistory, ...history],
    },
  };
}

/** Names what an image would be in the middle of a build, where no image is made. */
export function interimId({ config, chainId }: RenderedImage): Digest {
  return digestOf(JSON.stringify([config, chainId ?? null]));
}
