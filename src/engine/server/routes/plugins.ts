import { TscomposeError } from '../../../base/errors.js';
import { type Exchange, param, sendJson } from '../exchange.js';
import type { Route } from '../router.js';
import { unsupported } from './unsupported.js';

/** There are no plugins, and none can be installed: the list is empty and every name unknown. */
export function pluginRoutes(): readonly Route[] {
  const unknown = (exchange: Exchange): never => {
    const name = param(exchange, 'name');
    throw new TscomposeError({
      code: 'request/no-plugin',
      message: `plugin ${JSON.stringify(name)} not found`,
      facts: { name },
    });
  };
  return [
    [
      'GET',
      '/plugins',
      (exchange) => {
        exchange.query.filters(['capability', 'enabled']);
        sendJson(exchange, 200, []);
      },
    ],
    ['GET', '/plugins/privileges', unsupported('plugins')],
    ['POST', '/plugins/pull', unsupported('plugins')],
    ['POST', '/plugins/create', unsupported('plugins')],
    ['GET', '/plugins/{name*}/json', unknown],
    ['POST', '/plugins/{name*}/enable', unknown],
    ['POST', '/plugins/{name*}/disable', unknown],
    ['POST', '/plugins/{name*}/set', unknown],
    ['POST', '/plugins/{name*}/push', unknown],
    ['POST', '/plugins/{name*}/upgrade', unknown],
    ['DELETE', '/plugins/{name*}', unknown],
  ];
}
