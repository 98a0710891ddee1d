import { TscomposeError } from '../base/errors.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** A config, manifest or index that does not have the shape its media type promises. */
    'image/bad-document': { readonly document: string; readonly reason: string };
  }
}

/** Eight megabytes of brackets would become half a gigabyte of arrays; no manifest or config comes near these. */
const maxDepth = 200;
const maxValues = 500_000;

/** @throws `image/bad-document` unless `bytes` is JSON of a reasonable shape */
export function parseJson(document: string, bytes: Uint8Array | string): unknown {
  checkShape(document, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  try {
    return JSON.parse(typeof bytes === 'string' ? bytes : new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badDocument(document, 'not JSON', cause);
  }
}

/** @throws `image/bad-document` unless `bytes` is a JSON object of a reasonable shape */
export function parseObject(document: string, bytes: Uint8Array | string): Record<string, unknown> {
  const object = objectOf(parseJson(document, bytes));
  if (object === undefined) throw badDocument(document, 'not a JSON object');
  return object;
}

function checkShape(document: string, text: Uint8Array): void {
  let depth = 0;
  let values = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === 0x22) inString = !inString;
    else if (inString && byte === 0x5c) at += 1;
    else if (inString) continue;
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1;
      values += 1;
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1;
    else if (byte === 0x2c) values += 1;
    if (depth > maxDepth) throw badDocument(document, `nested more than ${maxDepth} deep`);
    if (values > maxValues) throw badDocument(document, `more than ${maxValues} values`);
  }
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
