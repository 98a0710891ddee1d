import { TscomposeError } from '../../../base/errors.js';

/** Answers of routes of the API that this engine does not serve: told as such and not as a page that nobody knows. */
export function unsupported(feature: string): () => never {
  return () => {
    throw new TscomposeError({
      code: 'request/unsupported',
      message: `this engine does not support ${feature}`,
      facts: { feature },
    });
  };
}
