import { backslash, isBlank } from './yaml-characters.js';

/**
 * Text between quotes over several lines: a line break is a blank, an empty line a line break. Unlike YAML 1.2, libyaml
 * does not mind how far the lines are indented.
 * @param escapes - a backslash keeps a blank at the end of its line; the very last, it joins the line with the next
 */
export function foldedText(text: string, escapes: boolean): string {
  if (!text.includes('\n')) return text;
  const lines = text.split('\n');
  let result = '';
  let breaks = 0;
  let joined = true; // the first line with what is before it
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1;
    let end = isLast ? line.length : lengthToLastWord(line);
    const open = escapes && !isLast && endsEscaping(line, end);
    const joins = open && end === line.length;
    if (open) end += joins ? -1 : 1;
    const words = line.slice(index === 0 ? 0 : blanksBefore(line), end);
    if (index > 0 && !isLast && !joins && words === '') {
      breaks++;
      continue;
    }
    result += (joined || breaks > 0 ? '\n'.repeat(breaks) : ' ') + words;
    breaks = 0;
    joined = joins;
  }
  return result;
}

/** Whether what is before `end` closes with a backslash that is not itself escaped. */
function endsEscaping(line: string, end: number): boolean {
  let at = end;
  while (line.charCodeAt(at - 1) === backslash) at--;
  return (end - at) % 2 === 1;
}

function blanksBefore(line: string): number {
  let at = 0;
  while (isBlank(line.charCodeAt(at))) at++;
  return at;
}

function lengthToLastWord(line: string): number {
  let length = line.length;
  while (isBlank(line.charCodeAt(length - 1))) length--;
  return length;
}

const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'", // libyaml has it, YAML 1.2 does not
  '\\': '\\',
  '/': '/',
  ' ': ' ',
  n: '\n',
  t: '\t',
  r: '\r',
  0: '\0',
  e: '\x1b',
};

/** What is meant by the escapes in double quotes; undefined where there are others than the usual ones. */
export function withoutEscapes(text: string): string | undefined {
  const escapes = /\\(.)/gs;
  if ([...text.matchAll(escapes)].some(([, character = '']) => simpleEscapes[character] === undefined))
    return undefined;
  return text.replace(escapes, (_, character: string) => simpleEscapes[character] ?? '');
}
