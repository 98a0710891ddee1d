import type { Node, ScalarNode, ScalarValue } from './node.js';

/** What a plain (unquoted) YAML scalar means. */
export interface ResolvedScalar {
  readonly value: ScalarValue;
  readonly float?: true;
  readonly timestamp?: string;
}

const words = new Map<string, ScalarValue>([
  ['', null],
  ['~', null],
  ['null', null],
  ['Null', null],
  ['NULL', null],
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

const infinities = new Map<string, number>([
  ['.nan', Number.NaN],
  ['.NaN', Number.NaN],
  ['.NAN', Number.NaN],
  ['.inf', Number.POSITIVE_INFINITY],
  ['.Inf', Number.POSITIVE_INFINITY],
  ['.INF', Number.POSITIVE_INFINITY],
  ['+.inf', Number.POSITIVE_INFINITY],
  ['+.Inf', Number.POSITIVE_INFINITY],
  ['+.INF', Number.POSITIVE_INFINITY],
  ['-.inf', Number.NEGATIVE_INFINITY],
  ['-.Inf', Number.NEGATIVE_INFINITY],
  ['-.INF', Number.NEGATIVE_INFINITY],
]);

const floatPattern = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const integerPattern = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const timestampPattern =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:[Tt]| )(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?(Z|[+-]\d{2}:\d{2})?)?$/;

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);
const maxUint64 = 2n ** 64n - 1n;

/**
 * Reads an unquoted scalar as docker compose does: YAML 1.2 words plus old-style octal (`017`), `_` between digits
 * and timestamps; `yes`, `no`, `on`, `off` and `12:30` are texts.
 */
export function resolvePlain(text: string): ResolvedScalar {
  const word = words.get(text);
  if (word !== undefined || text === '') return { value: word ?? null };
  const first = text.charCodeAt(0);
  const digit = first >= 48 && first <= 57;
  if (!digit && first !== 43 && first !== 45 && first !== 46) return { value: text };
  const infinity = infinities.get(text);
  if (infinity !== undefined) return { value: infinity, float: true };
  if (first === 46) {
    return floatPattern.test(text.replaceAll('_', '')) ? floatOf(text.replaceAll('_', '')) : { value: text };
  }
  if (digit) {
    const timestamp = timestampOf(text);
    if (timestamp !== undefined) return timestamp;
  }
  const plain = text.replaceAll('_', '');
  const integer = integerOf(plain);
  if (integer !== undefined) return integer;
  return floatPattern.test(plain) ? floatOf(plain) : { value: text };
}

/** How Go prints a scalar where compose needs a text (`environment`, `labels`, …): `1e3` is `1000`, `1_0` is `10`. */
export function scalarText(node: ScalarNode): string {
  if (node.timestamp !== undefined) return node.timestamp;
  if (node.value === null) return '<nil>';
  return node.float === true && typeof node.value === 'number' ? goFloatText(node.value) : String(node.value);
}

/** A floating-point number as Go prints it: an exponent below -4 and from 6 on, `1e+06`, `1e-05`. */
export function goFloatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  const size = Math.abs(exponent);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
}

/** What kind of thing a node is, in words for messages. */
export function kindOf(node: Node): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  switch (typeof node.value) {
    case 'string':
      return node.timestamp === undefined ? 'text' : 'a date';
    case 'boolean':
      return 'true or false';
    default:
      return 'a number';
  }
}

function floatOf(text: string): ResolvedScalar {
  const value = Number(text);
  return Number.isFinite(value) ? { value, float: true } : { value: text };
}

function integerOf(text: string): ResolvedScalar | undefined {
  const match = integerPattern.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const size =
    hex !== undefined
      ? BigInt(`0x${hex}`)
      : binary !== undefined
        ? BigInt(`0b${binary}`)
        : octal !== undefined
          ? BigInt(`0o${octal}`)
          : BigInt(decimal ?? '0');
  const value = sign === '-' ? -size : size;
  const fits = sign === '+' || sign === '-' ? value >= minInt64 && value <= maxInt64 : value <= maxUint64;
  if (!fits) return undefined;
  return { value: Number.isSafeInteger(Number(value)) ? Number(value) : value };
}

function timestampOf(text: string): ResolvedScalar | undefined {
  const match = timestampPattern.exec(text);
  if (!match) return undefined;
  const [, year = '', month = '', day = '', hour, minute = '', second = '', fraction, zone] = match;
  const spaced = text.includes(' ');
  // With a blank before the time, no zone is allowed; with a T it is needed.
  if (hour !== undefined && spaced === (zone !== undefined)) return undefined;
  const two = (part: string): string => part.padStart(2, '0');
  const date = `${year}-${two(month)}-${two(day)}`;
  const time = `${two(hour ?? '0')}:${two(minute || '0')}:${two(second || '0')}`;
  const probe = new Date(`${date}T${time}Z`);
  if (Number.isNaN(probe.getTime()) || probe.getUTCDate() !== Number(day)) return undefined;
  const shortFraction = fraction?.replace(/0+$/, '') ?? '';
  const tail = shortFraction === '' ? '' : `.${shortFraction}`;
  const utc = zone === undefined || zone === 'Z';
  return {
    value: `${date}T${time}${tail}${utc ? 'Z' : zone}`,
    timestamp: `${date} ${time}${tail} ${utc ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`}`,
  };
}
