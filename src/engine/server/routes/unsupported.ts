import { TscomposeError } from '../../../base/errors.js';
import type { Route } from '../router.js';

/** Routes of the API that this engine does not serve, told as such and not as a page that nobody knows. */
export function unsupportedRoutes(): readonly Route[] {
  return [
    ['POST', '/session', unsupported('BuildKit sessions; set DOCKER_BUILDKIT=0')],
    ['POST', '/grpc', unsupported('BuildKit; set DOCKER_BUILDKIT=0')],
  ];
}

export function unsupported(feature: string): () => never {
  return () => {
    throw new TscomposeError({
      code: 'request/unsupported',
      message: `this engine does not support ${feature}`,
      facts: { feature },
    });
  };
}
