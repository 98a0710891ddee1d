import { scalar, type ScalarNode } from './node.js';

/** Why a text cannot become the type its attribute has. */
export class CastError extends Error {}

export type CastKind = 'boolean' | 'integer' | 'float';

/** Booleans YAML 1.1 knew and YAML 1.2 does not; read with a warning. */
const oldWords = new Map<string, boolean>([
  ['y', true],
  ['yes', true],
  ['on', true],
  ['n', false],
  ['no', false],
  ['off', false],
]);

const goFloat = /^[-+]?(?:\d+(?:_?\d+)*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;
const specialFloats = /^[-+]?(?:inf|infinity|nan)$/i;

export interface CastResult {
  readonly node: ScalarNode;
  readonly warning?: string;
}

/**
 * Gives a text the type of its attribute, as happens after interpolation.
 * @throws CastError
 */
export function castText(text: string, kind: CastKind, from: ScalarNode): CastResult {
  switch (kind) {
    case 'boolean':
      return castBoolean(text, from);
    case 'integer':
      return { node: scalar(parseInteger(text), from) };
    case 'float':
      return { node: { ...scalar(parseFloatText(text), from), float: true } };
  }
}

/** @throws CastError unless `text` is a whole number in decimal */
export function parseInteger(text: string): number | bigint {
  if (!/^[-+]?\d+$/.test(text)) throw new CastError(`"${text}" is not a whole number`);
  const value = BigInt(text.replace(/^\+/, ''));
  if (value >= 2n ** 63n || value < -(2n ** 63n)) throw new CastError(`"${text}" is out of range`);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** @throws CastError unless `text` is a number */
export function parseFloatText(text: string): number {
  if (specialFloats.test(text)) throw new CastError(`"${text}" is not a finite number`);
  if (!goFloat.test(text)) throw new CastError(`"${text}" is not a number`);
  return Number(text.replaceAll('_', ''));
}

function castBoolean(text: string, from: ScalarNode): CastResult {
  const word = text.toLowerCase();
  if (word === 'true' || word === 'false') return { node: scalar(word === 'true', from) };
  const old = oldWords.get(word);
  if (old === undefined)
    throw new CastError(text === '' ? 'an empty text is not true or false' : `"${text}" is not true or false`);
  return {
    node: scalar(old, from),
    warning: `"${text}" for boolean is not supported by YAML 1.2, please use \`${String(old)}\``,
  };
}
