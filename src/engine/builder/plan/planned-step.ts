import type { Digest } from '../../../base/digest.js';
import type { Instruction } from '../dockerfile/ast.js';
import type { ImageState } from '../image/image-state.js';
import type { Operation, Solved } from '../solver/operation.js';

/** One instruction of a needed stage: what it does to files, and what the image is after it. */
export interface PlannedStep {
  readonly instruction: Instruction;
  /** Name or number. */
  readonly stage: string;
  /** The step this one builds on; undefined for a FROM that starts from an image or from nothing. */
  readonly previous: PlannedStep | undefined;
  readonly operation: Operation;
  readonly state: ImageState;
  /** As `created_by` of the history; FROM has none. */
  readonly createdBy?: (solved: Solved) => string;
  /** A trigger of the base image has no line of its own. */
  readonly kind: 'instruction' | 'trigger';
  /** Lines below the step's own. */
  readonly notes: readonly string[];
  /** A FROM of an image: that image's id, for display. */
  readonly baseImageId?: Digest | undefined;
  /** And that image's name as FROM has it. */
  readonly baseReference?: string;
  /** The instruction with what its variables stand for, for display. */
  readonly shown?: string;
}
