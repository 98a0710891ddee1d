import { badTemplate } from './bad-template.js';

/** A word of an action: a literal, a field path's part, a variable, a name or a sign. */
export interface Token {
  readonly kind: 'string' | 'number' | 'field' | 'variable' | 'name' | 'sign';
  /** Without quotes, dots and dollars. */
  readonly text: string;
  /** No space before it: `.A.B` is one operand, `.A .B` are two. */
  readonly joined: boolean;
}

/** Text as it stands, or the tokens between `{{` and `}}`. */
export type Piece = { readonly text: string } | { readonly tokens: readonly Token[]; readonly source: string };

/** Splits a template into text and actions; `{{-` and `-}}` take the blanks beside them, comments vanish. */
export function tokenise(source: string): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf('{{', position);
    const raw = source.slice(position, open < 0 ? undefined : open);
    const trimEnd = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4));
    const started = trimNext ? raw.trimStart() : raw;
    pieces.push({ text: trimEnd ? started.trimEnd() : started });
    if (open < 0) return pieces;
    const close = closing(source, open + 2);
    if (close < 0) throw badTemplate(source.slice(open), 'is not closed with }}');
    const body = source.slice(open + (trimEnd ? 3 : 2), close);
    trimNext = /\s-$/.test(body);
    const action = (trimNext ? body.slice(0, -1) : body).trim();
    if (!/^\/\*[^]*\*\/$/.test(action)) pieces.push({ tokens: words(action), source: action });
    position = close + 2;
  }
}

/** Where the action ends; quotes may hold braces. */
function closing(source: string, from: number): number {
  const pattern = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\*[^]*?\*\/|\}\}/g;
  pattern.lastIndex = from;
  for (let match = pattern.exec(source); match !== null; match = pattern.exec(source)) {
    if (match[0] === '}}') return match.index;
  }
  return -1;
}

const word =
  /\s+|"((?:[^"\\\n]|\\.)*)"|`([^`]*)`|'((?:[^'\\]|\\.)+)'|([+-]?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)|\.([A-Za-z_]\w*)|\$(\w*)|([A-Za-z_]\w*)|(:=|[().|,=])/gy;

function words(action: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  let joined = false;
  for (const match of action.matchAll(word)) {
    end = match.index + match[0].length;
    const [blank, quoted, raw, character, number, field, variable, name, sign] = match;
    const token = (kind: Token['kind'], text: string): void => {
      tokens.push({ kind, text, joined });
      joined = true;
    };
    if (quoted !== undefined) token('string', JSON.parse(`"${quoted.replace(/\\([a'])/g, '$1')}"`) as string);
    else if (raw !== undefined) token('string', raw);
    else if (character !== undefined) token('number', String(character.codePointAt(0)));
    else if (number !== undefined) token('number', number);
    else if (field !== undefined) token('field', field);
    else if (variable !== undefined) token('variable', variable);
    else if (name !== undefined) token('name', name);
    else if (sign !== undefined) token('sign', sign);
    else if (blank !== '') joined = false;
  }
  if (end < action.length) throw badTemplate(action, `is not understood from "${action.slice(end)}" on`);
  return tokens;
}
