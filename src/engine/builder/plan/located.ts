import { TscomposeError } from '../../../base/errors.js';
import type { Instruction } from '../dockerfile/ast.js';
import type { Operation } from '../solver/operation.js';

/** The operation, its failures given their place in the Dockerfile and the name of their instruction. */
export function located(operation: Operation, instruction: Instruction): Operation {
  const relocate = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!isKnown(error) || error.at !== undefined) throw error;
      const { code, message, facts, hint, cause } = error;
      throw new TscomposeError({
        code,
        message: message.replace(/^COPY failed/, `${instruction.keyword} failed`),
        facts,
        hint,
        at: instruction.at,
        cause,
      });
    }
  };
  return {
    inputs: operation.inputs,
    description: operation.description,
    key: (inputs, signal) => relocate(operation.key(inputs, signal)),
    run: (inputs, io) => relocate(operation.run(inputs, io)),
  };
}

function isKnown(error: unknown): error is TscomposeError {
  return error instanceof TscomposeError;
}
