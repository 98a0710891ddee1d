import { goFloatText, resolvePlain } from './scalar.js';

/** How docker compose writes YAML: block style, two blanks a level, lists indented, quotes only where needed. */

/** A struct: members in a fixed order. Plain objects are mappings, their keys sorted. */
export interface OrderedMembers {
  readonly ordered: readonly (readonly [key: string, value: unknown])[];
}

/** A number with the spelling of a floating-point one, and a text that is written without quotes (a timestamp). */
export class FloatValue extends Number {}
export class BareText extends String {}

export function yamlText(value: unknown): string {
  const text = block(value, 0);
  return text.startsWith('\n') ? text.slice(1) + '\n' : `${text.trimStart()}\n`;
}

/** What follows a key or a dash: a blank and a scalar, or a line break and the members. */
function block(value: unknown, indent: number): string {
  const members = membersOf(value);
  if (members !== undefined) {
    if (members.length === 0) return ' {}';
    return members.map(([key, member]) => `\n${pad(indent)}${keyText(key)}${entry(member, indent)}`).join('');
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []';
    return value.map((item: unknown) => `\n${pad(indent)}-${listItem(item, indent)}`).join('');
  }
  return ` ${scalarText(value, indent)}`;
}

function entry(value: unknown, indent: number): string {
  return `:${block(value, indent + 2)}`;
}

// The first member of a mapping in a list stands on the line of the dash.
function listItem(item: unknown, indent: number): string {
  const text = block(item, indent + 2);
  return text.startsWith('\n') ? ` ${text.slice(1 + indent + 2)}` : text;
}

function pad(indent: number): string {
  return ' '.repeat(indent);
}

function membersOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (value instanceof FloatValue || value instanceof BareText) return undefined;
  if (isOrdered(value)) return value.ordered;
  const entries = Object.entries(value);
  return entries.sort(([left], [right]) => (keyBefore(left, right) ? -1 : keyBefore(right, left) ? 1 : 0));
}

function isOrdered(value: object): value is OrderedMembers {
  return Object.getPrototypeOf(value) === Object.prototype && 'ordered' in value;
}

function keyText(key: string): string {
  const text = key.includes('\n') ? doubleQuoted(key) : inlineText(key);
  // A longer key needs the explicit form (YAML 1.2, 8.2.2).
  return Array.from(key).length > 128 ? `? ${text}\n` : text;
}

function scalarText(value: unknown, indent: number): string {
  if (value === null || value === undefined) return 'null';
  if (value instanceof FloatValue) return goFloatText(Number(value));
  if (value instanceof BareText) return value.valueOf();
  if (typeof value === 'string') return value.includes('\n') ? multilineText(value, indent) : inlineText(value);
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : goFloatText(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new Error(`bug: a ${typeof value} has no YAML form`);
}

const oldBooleans = new Set(
  ['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'], // prettier-ignore
);
const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** A text without line breaks: plain if that reads back as the same text, else quoted. */
function inlineText(text: string): string {
  const resolved = resolvePlain(text);
  const isText = typeof resolved.value === 'string' && resolved.timestamp === undefined;
  if (!isText || oldBooleans.has(text) || base60.test(text)) return doubleQuoted(text);
  const { plain, singleQuoted } = analyze(text);
  if (plain) return text;
  return singleQuoted ? `'${text.replaceAll("'", "''")}'` : doubleQuoted(text);
}

interface Analysis {
  readonly plain: boolean;
  readonly singleQuoted: boolean;
  readonly literal: boolean;
}

function analyze(text: string): Analysis {
  const special = hasSpecial(text);
  const tab = text.includes('\t');
  const breakSpace = /\n[ ]/.test(text);
  const spaceBreak = /[ ]\n/.test(text);
  const outerSpace = /^[ \n]|[ \n]$/.test(text);
  const indicators =
    /^(?:[#,[\]{}&*!|>'"%@`]|[?:-](?=[ \t\n\r]|$)|---|\.\.\.)/.test(text) || /:(?=[ \t\n\r]|$)|[ \t\n\r]#/.test(text);
  return {
    plain: !special && !tab && !breakSpace && !spaceBreak && !outerSpace && !indicators && !text.includes('\n'),
    singleQuoted: !special && !tab && !breakSpace && !spaceBreak,
    literal: !special && !spaceBreak && !text.endsWith(' '),
  };
}

function hasSpecial(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0x0a || code === 0x09 || (isPrintable(code) && code !== 0x2028 && code !== 0x2029)) continue;
    return true;
  }
  return false;
}

function isPrintable(code: number): boolean {
  return (
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff)
  );
}

function multilineText(text: string, indent: number): string {
  if (!analyze(text).literal) return doubleQuoted(text);
  const indentHint = /^[ \n]/.test(text) ? '2' : '';
  const chomping = !text.endsWith('\n') ? '-' : text === '\n' || text.endsWith('\n\n') ? '+' : '';
  const lines = text.replace(/\n$/, '').split('\n');
  return `|${indentHint}${chomping}${lines.map((line) => `\n${line === '' ? '' : pad(indent) + line}`).join('')}`;
}

const namedEscapes = new Map<number, string>([
  [0x00, '0'],
  [0x07, 'a'],
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0b, 'v'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x1b, 'e'],
  [0x22, '"'],
  [0x5c, '\\'],
  [0x85, 'N'],
  [0xa0, '_'],
  [0x2028, 'L'],
  [0x2029, 'P'],
]);

function doubleQuoted(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const isBreak = code === 0x2028 || code === 0x2029;
    if (isPrintable(code) && code !== 0x22 && code !== 0x5c && !isBreak) {
      quoted += character;
      continue;
    }
    const named = namedEscapes.get(code);
    if (named !== undefined) quoted += `\\${named}`;
    else if (code <= 0xff) quoted += `\\x${hex(code, 2)}`;
    else if (code <= 0xffff) quoted += `\\u${hex(code, 4)}`;
    else quoted += `\\U${hex(code, 8)}`;
  }
  return `${quoted}"`;
}

function hex(code: number, width: number): string {
  return code.toString(16).toUpperCase().padStart(width, '0');
}

/** Order of mapping keys: letters after other characters, numbers by their value. */
function keyBefore(left: string, right: string): boolean {
  const one = Array.from(left);
  const other = Array.from(right);
  let afterDigit = false;
  for (let at = 0; at < one.length && at < other.length; at++) {
    const [a = '', b = ''] = [one[at], other[at]];
    if (a === b) {
      afterDigit = isDigit(a);
      continue;
    }
    const [aIsLetter, bIsLetter] = [isLetter(a), isLetter(b)];
    if (aIsLetter && bIsLetter) return a < b;
    if (aIsLetter || bIsLetter) return afterDigit ? aIsLetter : bIsLetter;
    return numberBefore(one, other, at);
  }
  return one.length < other.length;
}

function numberBefore(one: readonly string[], other: readonly string[], at: number): boolean {
  // A zero inside a longer number keeps its weight: 101 comes before 11 only by value.
  let lead = 0n;
  if (one[at] === '0' || other[at] === '0') {
    for (let before = at - 1; before >= 0 && isDigit(one[before] ?? ''); before--) {
      if (one[before] !== '0') {
        lead = 1n;
        break;
      }
    }
  }
  const [a, aEnd] = numberAt(one, at, lead);
  const [b, bEnd] = numberAt(other, at, lead);
  if (a !== b) return a < b;
  if (aEnd !== bEnd) return aEnd < bEnd;
  return (one[at] ?? '') < (other[at] ?? '');
}

function numberAt(characters: readonly string[], start: number, lead: bigint): readonly [bigint, number] {
  let value = lead;
  let at = start;
  for (; at < characters.length && /^[0-9]$/.test(characters[at] ?? ''); at++)
    value = value * 10n + BigInt(characters[at] ?? 0);
  return [value, at];
}

function isDigit(character: string): boolean {
  return /^\p{Nd}$/u.test(character);
}

function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character);
}
