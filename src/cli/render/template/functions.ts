import { isTrue, print, printf, show } from './values.js';

/** @throws Error for arguments it cannot take; the caller says in which action */
export type TemplateFunction = (...values: readonly unknown[]) => unknown;

/** Those of text/template, and docker's own (docs.docker.com, "Format command and log output"). */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (value, ...others) => others.some((other) => compared(value, other) === 0),
  ne: (a, b) => compared(a, b) !== 0,
  lt: (a, b) => compared(a, b) < 0,
  le: (a, b) => compared(a, b) <= 0,
  gt: (a, b) => compared(a, b) > 0,
  ge: (a, b) => compared(a, b) >= 0,
  len: (value) => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (typeof value === 'object' && value !== null) return Object.keys(value).length;
    throw new Error(`cannot count ${show(value)}`);
  },
  index: (value, ...keys) => keys.reduce(member, value),
  slice: (value, from = 0, to?) => {
    if (typeof value !== 'string' && !Array.isArray(value)) throw new Error(`cannot slice ${show(value)}`);
    const [start, end] = [Number(from), to === undefined ? value.length : Number(to)];
    if (!(start >= 0 && start <= end && end <= value.length)) throw new Error(`index out of range: ${start}:${end}`);
    return value.slice(start, end);
  },
  print: (...values) => print(values),
  println: (...values) => `${values.map((value) => show(value)).join(' ')}\n`,
  printf: (format, ...values) => printf(show(format), values),
  html: (...values) => print(values).replace(/[&<>"'\0]/g, (character) => htmlEntities[character] ?? ''),
  js: (...values) =>
    print(values).replace(/[\\'"<>&=\n\r\t]/g, (character) => {
      const known: Readonly<Record<string, string>> = {
        '\\': '\\\\',
        "'": "\\'",
        '"': '\\"',
        '\n': '\\u000A',
        '\r': '\\u000D',
      };
      return known[character] ?? `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
    }),
  urlquery: (...values) =>
    encodeURIComponent(print(values))
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`),
  json: (value) => JSON.stringify(value ?? null),
  split: (text, separator) => show(text).split(show(separator)),
  join: (list, separator) => {
    if (!Array.isArray(list)) throw new Error(`cannot join ${show(list)}`);
    return list.map((one) => show(one)).join(show(separator));
  },
  lower: (value) => textOf(value).toLowerCase(),
  upper: (value) => textOf(value).toUpperCase(),
  title: (value) => textOf(value).replace(/(?<![\p{L}\p{N}_'])\p{L}/gu, (letter) => letter.toUpperCase()),
  pad: (text, before, after) => {
    const shown = textOf(text);
    return shown === '' ? '' : ' '.repeat(Number(before)) + shown + ' '.repeat(Number(after));
  },
  truncate: (text, length) => Array.from(textOf(text)).slice(0, Number(length)).join(''),
};

/** In place of those above where a header is made: titles stay as they are. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...functions,
  ...Object.fromEntries(
    ['json', 'lower', 'upper', 'title', 'truncate', 'split', 'join', 'printf', 'println'].map((name) => [
      name,
      name === 'printf' ? (_format, value) => value : (value) => value,
    ]),
  ),
};

const htmlEntities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`wants a text, not ${show(value)}`);
  return value;
}

function compared(a: unknown, b: unknown): number {
  if (typeof a !== typeof b) throw new Error(`cannot compare ${show(a)} with ${show(b)}`);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [show(a), show(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

function member(value: unknown, key: unknown): unknown {
  if (Array.isArray(value) || typeof value === 'string') {
    const found = typeof value === 'string' ? Buffer.from(value)[Number(key)] : (value as unknown[])[Number(key)];
    if (found === undefined) throw new Error(`index out of range: ${show(key)}`);
    return found;
  }
  if (typeof value !== 'object' || value === null) throw new Error(`cannot index ${show(value)}`);
  return Object.entries(value).find(([name]) => name === key)?.[1] ?? '';
}
