import { TscomposeError } from '../../../base/errors.js';
import type { Route } from '../router.js';

/** Routes of the API that this engine does not serve, told as such and not as a page that nobody knows. */
export function unsupportedRoutes(): readonly Route[] {
  return [
    ['POST', '/auth', unsupported('checking registry credentials; they are used as they are when something is pulled')],
    ['GET', '/images/search', unsupported('searching registries')],
    ['GET', '/distribution/{name*}/json', unsupported('asking registries about images')],
    ['POST', '/session', unsupported('BuildKit sessions; set DOCKER_BUILDKIT=0')],
    ['POST', '/grpc', unsupported('BuildKit; set DOCKER_BUILDKIT=0')],
    ['GET', '/containers/{id}/attach/ws', unsupported('attaching over WebSockets')],
    ['POST', '/swarm/init', unsupported('swarms')],
    ['POST', '/swarm/join', unsupported('swarms')],
  ];
}

function unsupported(feature: string): () => never {
  return () => {
    throw new TscomposeError({
      code: 'request/unsupported',
      message: `this engine does not support ${feature}`,
      facts: { feature },
    });
  };
}
