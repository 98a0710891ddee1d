import { TscomposeError } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'request/bad-parameter': { readonly parameter: string };
    'request/bad-body': { readonly reason: string };
    'request/too-large': { readonly limitBytes: number };
    'request/version': { readonly version: string };
    'request/no-route': { readonly method: string; readonly path: string };
    /** No swarm is active, and this engine has none. */
    'request/no-swarm': Record<string, never>;
    'request/no-plugin': { readonly name: string };
    /** What the API has and this engine does not: Swarm, plugins, BuildKit sessions. */
    'request/unsupported': { readonly feature: string };
    /** Something only a local client of the same user may ask. */
    'request/forbidden': { readonly feature: string };
  }
}

export function badParameter(parameter: string, message: string): TscomposeError<'request/bad-parameter'> {
  return new TscomposeError({ code: 'request/bad-parameter', message, facts: { parameter } });
}

export function badBody(message: string, reason = message): TscomposeError<'request/bad-body'> {
  return new TscomposeError({ code: 'request/bad-body', message, facts: { reason } });
}

export function pageNotFound(method: string, path: string): TscomposeError<'request/no-route'> {
  return new TscomposeError({ code: 'request/no-route', message: 'page not found', facts: { method, path } });
}
