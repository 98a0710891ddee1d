import { substitute, TemplateError, type Lookup } from './template.js';

/** What is wrong in an env file, and on which line (from 1). */
export class DotenvError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

export interface DotenvOptions {
  /** Looked at before the keys above in the file. */
  readonly lookup: Lookup;
  readonly onUnset?: (variable: string) => void;
  /** Told of every statement: its name, its value if it has one, and where it stands in the text. */
  readonly onEntry?: ((name: string, value: string | undefined, start: number, end: number) => void) | undefined;
}

/**
 * Reads dotenv text: `KEY=value` or `KEY: value` lines, optional `export`, quotes over several lines, escapes and
 * variables in double quotes, `#` comments; a bare `KEY` takes its value from `lookup` or stays out.
 * @throws DotenvError
 */
export function parseDotenv(text: string, options: DotenvOptions): Map<string, string> {
  const parser = new DotenvParser(text.startsWith('\uFEFF') ? text.slice(1) : text, options);
  return parser.parse();
}

/** `format: raw`: lines of `KEY=VALUE` taken literally; a bare `KEY` as in dotenv. */
export function parseRawEnv(text: string, options: DotenvOptions): Map<string, string> {
  const values = new Map<string, string>();
  let end = -1;
  for (const [index, rawLine] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const start = end + 1;
    end = start + rawLine.length;
    const line = rawLine.replace(/\r$/, '').replace(/^\s+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const key = equals === -1 ? line : line.slice(0, equals);
    if (/\s/.test(key)) throw new DotenvError(`variable "${key}" contains whitespace`, index + 1);
    if (key === '') throw new DotenvError(`no variable name on line "${line}"`, index + 1);
    const value = equals === -1 ? options.lookup(key) : line.slice(equals + 1);
    if (value !== undefined) values.set(key, value);
    options.onEntry?.(key, value, start + rawLine.indexOf(line), end);
  }
  return values;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};
// Blanks that do not end a line.
const blank = /[\t\v\f\r \u0085\u00A0]/;
const nameCharacter = /[\p{L}\p{N}_.\-[\]]/u;

class DotenvParser {
  readonly #text: string;
  readonly #options: DotenvOptions;
  readonly #values = new Map<string, string>();
  #at = 0;

  constructor(text: string, options: DotenvOptions) {
    this.#text = text;
    this.#options = options;
  }

  parse(): Map<string, string> {
    while (this.#skipToStatement()) {
      const start = this.#at;
      const { key, inherited } = this.#key();
      const value = inherited ? this.#options.lookup(key) : this.#value();
      if (value !== undefined) this.#values.set(key, value);
      this.#options.onEntry?.(key, value, start, this.#at);
    }
    return this.#values;
  }

  /** False at the end of the text. */
  #skipToStatement(): boolean {
    for (;;) {
      while (this.#at < this.#text.length && /\s|\u0085/.test(this.#text.charAt(this.#at))) this.#at++;
      if (this.#at >= this.#text.length) return false;
      if (this.#text[this.#at] !== '#') return true;
      const end = this.#text.indexOf('\n', this.#at);
      if (end === -1) return false;
      this.#at = end;
    }
  }

  #key(): { key: string; inherited: boolean } {
    const exported = /^export\s+/.exec(this.#text.slice(this.#at, this.#at + 64));
    if (exported) {
      this.#at += 'export'.length;
      this.#skipBlanks();
    }
    const start = this.#at;
    let end = -1;
    for (const character of this.#text.slice(start)) {
      if (character === '=' || character === ':' || character === '\n') {
        end = this.#at;
        break;
      }
      if (!blank.test(character) && !nameCharacter.test(character)) {
        const line = this.#text.slice(start).split('\n', 1)[0] ?? '';
        throw this.#error(`unexpected character "${character}" in variable name "${line.replace(/\r$/, '')}"`);
      }
      this.#at += character.length;
    }
    if (end === -1) {
      // The last line, without a line end or separator: it names nothing and sets nothing.
      const key = this.#text.slice(start).trim();
      if (key.includes(' ')) throw this.#error('key cannot contain a space');
      this.#at = this.#text.length;
      return { key, inherited: true };
    }
    const inherited = this.#text[end] === '\n';
    const key = this.#text.slice(start, end).trimEnd();
    if (key.includes(' ')) throw this.#error('key cannot contain a space');
    this.#at = end + 1;
    this.#skipBlanks();
    return { key, inherited };
  }

  #value(): string {
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") return this.#plainValue();
    const start = this.#at;
    let characters = '';
    let escaped = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const character = this.#text.charAt(at);
      if (character === quote && !escaped) {
        this.#at = at + 1;
        return quote === '"' ? this.#expand(unescape(characters)) : characters;
      }
      if (character === '\\' && !escaped) {
        escaped = true;
        continue;
      }
      if (escaped && character !== quote) characters += '\\';
      escaped = false;
      characters += character;
    }
    const line = this.#text.slice(start).split('\n', 1)[0] ?? '';
    throw this.#error(`unterminated quoted value ${line.replace(/\r$/, '').slice(0, 1)}`);
  }

  #plainValue(): string {
    const end = this.#text.indexOf('\n', this.#at);
    const line = this.#text.slice(this.#at, end === -1 ? undefined : end);
    const comment = line.indexOf(' #');
    const value = (comment === -1 ? line : line.slice(0, comment)).trimEnd();
    const expanded = this.#expand(value);
    this.#at = end === -1 ? this.#text.length : end + 1;
    return expanded;
  }

  #expand(value: string): string {
    try {
      return substitute(value, {
        lookup: (name) => this.#options.lookup(name) ?? this.#values.get(name),
        ...(this.#options.onUnset && { onUnset: this.#options.onUnset }),
      });
    } catch (error) {
      if (error instanceof TemplateError) throw this.#error(error.message);
      throw error;
    }
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && blank.test(this.#text.charAt(this.#at))) this.#at++;
  }

  #error(message: string): DotenvError {
    let line = 1;
    for (let at = this.#text.indexOf('\n'); at !== -1 && at < this.#at; at = this.#text.indexOf('\n', at + 1)) line++;
    return new DotenvError(message, line);
  }
}

function unescape(text: string): string {
  return text.replace(/\\(?:([abcfnrtv$"\\])|0(\d{0,3}))/g, (match: string, letter?: string, octal?: string) => {
    if (letter === '$') return '$$'; // a dollar that is not interpolated
    if (letter !== undefined) return escapes[letter] ?? match;
    if (octal !== undefined && /^[0-3][0-7]{2}$/.test(octal)) return String.fromCodePoint(Number.parseInt(octal, 8));
    return `\\${octal ?? ''}`; // docker compose loses the zero
  });
}
