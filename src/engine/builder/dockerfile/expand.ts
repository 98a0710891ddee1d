/**
 * What a variable stands for; undefined where it is not set.
 * @param guarded - it is asked for with a modifier that says what is to be where it is not set
 */
export type Lookup = (name: string, guarded?: boolean) => string | undefined;

export interface ExpandOptions {
  readonly escape: string;
  /** `raw` leaves quotes and escapes as they are, for the body of a heredoc. */
  readonly quotes?: 'strip' | 'raw';
}

/** Thrown by `expandWord`; the caller knows the place. */
export class ExpansionFailure extends Error {}

/**
 * Expands `$name` and `${name…}` and takes quotes and escapes off, as Docker's shell lexer does
 * (Dockerfile reference, "Environment replacement"). Nothing is split into words.
 * @throws ExpansionFailure for a bad substitution, an unmatched quote and `${name:?message}`
 */
export function expandWord(text: string, lookup: Lookup, options: ExpandOptions): string {
  return new Expander(text, lookup, options).run().join('');
}

/** As `expandWord`, then split at white space: `EXPOSE $PORTS` may name several. */
export function expandWords(text: string, lookup: Lookup, options: ExpandOptions): string[] {
  return new Expander(text, lookup, options)
    .run()
    .join('')
    .split(/\s+/)
    .filter((word) => word !== '');
}

class Expander {
  readonly #text: string;
  readonly #lookup: Lookup;
  readonly #escape: string;
  readonly #raw: boolean;
  #index = 0;

  constructor(text: string, lookup: Lookup, options: ExpandOptions) {
    this.#text = text;
    this.#lookup = lookup;
    this.#escape = options.escape;
    this.#raw = options.quotes === 'raw';
  }

  run(): string[] {
    return this.#until('');
  }

  /** Up to `stop` (not taken), or the end where it is empty. */
  #until(stop: string, escapes: 'take' | 'keep' = 'take'): string[] {
    const out: string[] = [];
    while (this.#index < this.#text.length) {
      const char = this.#text.charAt(this.#index);
      if (stop !== '' && char === stop) return out;
      if (!this.#raw && char === "'") out.push(this.#singleQuoted());
      else if (!this.#raw && char === '"') out.push(this.#doubleQuoted());
      else if (char === '$') out.push(this.#variable());
      else if (char === this.#escape) out.push(this.#escaped(escapes));
      else {
        out.push(char);
        this.#index++;
      }
    }
    if (stop !== '') throw new ExpansionFailure(`unexpected end of statement while looking for matching ${stop}`);
    return out;
  }

  #escaped(escapes: 'take' | 'keep'): string {
    const next = this.#text.charAt(this.#index + 1);
    this.#index += 2;
    if (escapes === 'keep') return this.#escape + next;
    if (this.#raw) return next === '$' ? '$' : this.#escape + next;
    return next;
  }

  #singleQuoted(): string {
    const end = this.#text.indexOf("'", this.#index + 1);
    if (end < 0) throw new ExpansionFailure('unexpected end of statement while looking for matching single-quote');
    const quoted = this.#text.slice(this.#index + 1, end);
    this.#index = end + 1;
    return quoted;
  }

  #doubleQuoted(): string {
    let out = '';
    this.#index++;
    while (this.#index < this.#text.length) {
      const char = this.#text.charAt(this.#index);
      if (char === '"') {
        this.#index++;
        return out;
      }
      if (char === '$') {
        out += this.#variable();
        continue;
      }
      if (char === this.#escape) {
        const next = this.#text.charAt(this.#index + 1);
        if (next === '"' || next === '$' || next === this.#escape) {
          out += next;
          this.#index += 2;
          continue;
        }
      }
      out += char;
      this.#index++;
    }
    throw new ExpansionFailure('unexpected end of statement while looking for matching double-quote');
  }

  #variable(): string {
    this.#index++;
    if (this.#text.charAt(this.#index) === '{') return this.#braced();
    const name = this.#name();
    return name === '' ? '$' : (this.#lookup(name) ?? '');
  }

  /** A name, or one of the shell's own parameters, which are never set here. */
  #name(): string {
    const match = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?!$-])/.exec(this.#text.slice(this.#index));
    const name = match?.[0] ?? '';
    this.#index += name.length;
    return name;
  }

  #braced(): string {
    const whole = this.#text;
    this.#index++;
    const name = this.#name();
    if (name === '') throw new ExpansionFailure(`bad substitution in "${whole}"`);
    const char = whole.charAt(this.#index);
    const value = this.#lookup(name, /^:?[-+?]/.test(whole.slice(this.#index)));
    if (char === '}') {
      this.#index++;
      return value ?? '';
    }
    const colon = char === ':';
    const operator = colon ? whole.charAt(this.#index + 1) : char;
    if (operator === '' || (colon && !'-+?'.includes(operator))) {
      throw new ExpansionFailure(`unsupported modifier (${char}${operator}) in substitution`);
    }
    this.#index += colon ? 2 : 1;
    const isSet = value !== undefined && !(colon && value === '');
    switch (operator) {
      case '-':
      case '+':
      case '?': {
        const word = this.#word();
        if (operator === '-') return isSet ? value : word;
        if (operator === '+') return isSet ? word : '';
        if (isSet) return value;
        throw new ExpansionFailure(`${name}: ${word === '' ? 'is not allowed to be unset' : word}`);
      }
      case '#':
      case '%': {
        const greedy = whole.charAt(this.#index) === operator;
        if (greedy) this.#index++;
        const pattern = this.#pattern('}');
        this.#index++;
        return trimMatch(value ?? '', pattern, operator === '#' ? 'start' : 'end', greedy ? 'longest' : 'shortest');
      }
      case '/': {
        const all = whole.charAt(this.#index) === '/';
        if (all) this.#index++;
        const pattern = this.#pattern('/');
        this.#index++;
        const replacement = this.#word('keep');
        return (value ?? '').replace(new RegExp(globSource(pattern), all ? 'gsu' : 'su'), () => replacement);
      }
      default:
        throw new ExpansionFailure(`unsupported modifier (${operator}) in substitution`);
    }
  }

  /** The word of a modifier, expanded, with its closing brace. */
  #word(escapes: 'take' | 'keep' = 'take'): string {
    const word = this.#until('}', escapes).join('');
    this.#index++;
    return word;
  }

  /** A pattern up to `stop`, variables expanded and quotes taken off; escapes are left for the pattern. */
  #pattern(stop: string): string {
    let out = '';
    while (this.#index < this.#text.length) {
      const char = this.#text.charAt(this.#index);
      if (char === stop) return out;
      if (char === '$') {
        out += this.#variable();
      } else if (!this.#raw && (char === '"' || char === "'")) {
        out += char === '"' ? this.#doubleQuoted() : this.#singleQuoted();
      } else if (char === this.#escape) {
        const next = this.#text.charAt(this.#index + 1);
        out += next === '}' || next === '/' ? next : `\\${next}`;
        this.#index += 2;
      } else {
        out += char;
        this.#index++;
      }
    }
    throw new ExpansionFailure(`syntax error: missing '${stop}' in substitution`);
  }
}

function trimMatch(value: string, pattern: string, side: 'start' | 'end', length: 'shortest' | 'longest'): string {
  const source = globSource(pattern);
  const whole = new RegExp(`^(?:${source})$`, 'su');
  const cuts = Array.from({ length: value.length + 1 }, (_, cut) => cut);
  const ordered = (side === 'start') === (length === 'shortest') ? cuts : cuts.reverse();
  for (const cut of ordered) {
    const part = side === 'start' ? value.slice(0, cut) : value.slice(cut);
    if (whole.test(part)) return side === 'start' ? value.slice(cut) : value.slice(0, cut);
  }
  return value;
}

/** A shell pattern of `*`, `?` and escapes as a regular expression. */
function globSource(pattern: string): string {
  let out = '';
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index);
    if (char === '*') out += '.*';
    else if (char === '?') out += '.';
    else out += (char === '\\' ? pattern.charAt(++index) : char).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  return out;
}
