import { badParameter, pageNotFound } from './errors.js';
import type { Handler } from './exchange.js';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';

/** `{id}` in a pattern stands for one part of a path, `{name*}` for one or more: image names hold slashes. */
export type Route = readonly [method: Method, pattern: string, handler: Handler];

export interface Match {
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

export interface Router {
  /** First match in the order given. @throws `request/no-route`, `request/bad-parameter` for a bad escape */
  find(method: string, path: string): Match;
}

export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map(([method, pattern, handler]) => {
    const names: string[] = [];
    const source = pattern.replace(/\{(\w+)(\*?)\}/g, (_match, name: string, many: string) => {
      names.push(name);
      return many === '' ? '([^/]+)' : '(.+)';
    });
    return { method, names, handler, expression: new RegExp(`^${source}$`) };
  });
  return {
    find: (method, path) => {
      for (const route of compiled) {
        const match = route.method === method ? route.expression.exec(path) : null;
        if (match === null) continue;
        const parts = route.names.map((name, index) => [name, unescape(match[index + 1] ?? '')] as const);
        return { handler: route.handler, params: Object.fromEntries(parts) };
      }
      throw pageNotFound(method, path);
    },
  };
}

function unescape(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badParameter('path', `invalid escape in the path: ${part}`);
  }
}
