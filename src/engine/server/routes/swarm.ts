import { TscomposeError } from '../../../base/errors.js';
import type { Method, Route } from '../router.js';
import { unsupported } from './unsupported.js';

const notManager =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

/** No swarm is active here and none can be: answered as by a dockerd outside one, which clients know how to take. */
export function swarmRoutes(): readonly Route[] {
  const collections = ['nodes', 'services', 'tasks', 'secrets', 'configs'];
  const onManager = (method: Method, path: string): Route => [method, path, answerNoSwarm(notManager)];
  return [
    ['POST', '/swarm/init', unsupported('swarms')],
    ['POST', '/swarm/join', unsupported('swarms')],
    ['POST', '/swarm/leave', answerNoSwarm('This node is not part of a swarm')],
    onManager('GET', '/swarm'),
    onManager('POST', '/swarm/update'),
    onManager('POST', '/swarm/unlock'),
    onManager('GET', '/swarm/unlockkey'),
    ...collections.flatMap((name) => [
      onManager('GET', `/${name}`),
      onManager('POST', `/${name}/create`),
      onManager('GET', `/${name}/{id}`),
      onManager('GET', `/${name}/{id}/logs`),
      onManager('POST', `/${name}/{id}/update`),
      onManager('DELETE', `/${name}/{id}`),
    ]),
  ];
}

function answerNoSwarm(message: string): () => never {
  return () => {
    throw noSwarm(message);
  };
}

export function noSwarm(message = notManager): TscomposeError<'request/no-swarm'> {
  return new TscomposeError({ code: 'request/no-swarm', message, facts: {} });
}
