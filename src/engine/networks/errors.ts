import { TscomposeError } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'network/not-found': { readonly reference: string };
    'network/ambiguous': { readonly reference: string };
    'network/name-in-use': { readonly name: string; readonly networkId: string };
    /** `bridge`, `host` and `none` can be neither made nor removed. */
    'network/predefined': { readonly name: string };
    /** Running containers are on it. */
    'network/in-use': { readonly name: string; readonly containers: readonly string[] };
    'network/invalid': { readonly reason: string };
    'network/driver-missing': { readonly driver: string };
    'network/overlap': { readonly subnet: string; readonly other: string };
    /** `tried` counts the default ranges that were looked at. */
    'network/no-free-subnet': { readonly tried: number };
    'network/addresses-exhausted': { readonly network: string };
    'network/address-in-use': { readonly network: string; readonly address: string };
    'network/endpoint-exists': { readonly network: string; readonly container: string };
    'network/not-connected': { readonly network: string; readonly container: string };
    /** `holder` says who has the port: `container web` or `process nginx (pid 812)`. */
    'network/port-in-use': {
      readonly hostIp: string;
      readonly port: number;
      readonly protocol: string;
      readonly holder: string | undefined;
    };
    'network/port-denied': { readonly hostIp: string; readonly port: number; readonly protocol: string };
    'network/no-free-port': { readonly hostIp: string; readonly protocol: string };
  }
}

export function invalid(reason: string, hint?: string): TscomposeError<'network/invalid'> {
  return new TscomposeError({ code: 'network/invalid', message: reason, facts: { reason }, hint });
}

export function networkNotFound(reference: string): TscomposeError<'network/not-found'> {
  const message = `network ${reference} not found`;
  return new TscomposeError({ code: 'network/not-found', message, facts: { reference } });
}
