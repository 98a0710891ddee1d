import { TscomposeError } from '../base/errors.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** A config, manifest or index that does not have the shape its media type promises. */
    'image/bad-document': { readonly document: string; readonly reason: string };
  }
}

/** @throws `image/bad-document` unless `bytes` is a JSON object */
export function parseObject(document: string, bytes: Uint8Array | string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badDocument(document, 'not JSON', cause);
  }
  const object = objectOf(value);
  if (object === undefined) throw badDocument(document, 'not a JSON object');
  return object;
}

export function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

export function badDocument(document: string, reason: string, cause?: unknown): TscomposeError<'image/bad-document'> {
  return new TscomposeError({
    code: 'image/bad-document',
    message: `invalid ${document}: ${reason}`,
    facts: { document, reason },
    cause,
  });
}
