import { TscomposeError } from '../../base/errors.js';
import './types.js'; // the codes are declared there

export function escapesRoot(entry: string): TscomposeError<'layer/escapes-root'> {
  return new TscomposeError({
    code: 'layer/escapes-root',
    message: `the archive entry ${JSON.stringify(entry)} leads outside its root`,
    facts: { entry },
  });
}

export function badArchive(reason: string, entry?: string, cause?: unknown): TscomposeError<'layer/bad-archive'> {
  return new TscomposeError({
    code: 'layer/bad-archive',
    message: entry === undefined ? `cannot unpack the layer: ${reason}` : `cannot unpack ${entry}: ${reason}`,
    facts: { reason, ...(entry === undefined ? {} : { entry }) },
    cause,
  });
}

export function digestMismatch(expected: string, actual: string): TscomposeError<'layer/digest-mismatch'> {
  return new TscomposeError({
    code: 'layer/digest-mismatch',
    message: `the layer has the digest ${actual}, not ${expected}`,
    facts: { expected, actual },
  });
}

export function layerNotFound(chainId: string): TscomposeError<'layer/not-found'> {
  return new TscomposeError({
    code: 'layer/not-found',
    message: `no layer ${chainId} in the store`,
    facts: { chainId },
  });
}

export function noSpace(cause?: unknown): TscomposeError<'layer/no-space'> {
  return new TscomposeError({
    code: 'layer/no-space',
    message: 'cannot unpack the layer: no space left on the device',
    facts: {},
    cause,
  });
}
