/** Value of a variable; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Why a template could not be filled in. */
export type TemplateProblem =
  | { readonly kind: 'invalid'; readonly template: string }
  | { readonly kind: 'required'; readonly variable: string; readonly reason: string };

export class TemplateError extends Error {
  readonly problem: TemplateProblem;

  constructor(problem: TemplateProblem) {
    super(
      problem.kind === 'invalid'
        ? `invalid interpolation format: ${problem.template}`
        : `required variable ${problem.variable} is missing a value${problem.reason === '' ? '' : `: ${problem.reason}`}`,
    );
    this.problem = problem;
  }
}

export interface SubstituteOptions {
  readonly lookup: Lookup;
  /** Told of every variable that is read without being set and without a default. */
  readonly onUnset?: (variable: string) => void;
}

/** One `$…` of a template: `$$`, a variable, or something malformed. */
interface Token {
  readonly start: number;
  readonly end: number;
  /** Undefined for `$$`. */
  readonly variable?: Variable;
  readonly malformed?: true;
}

interface Variable {
  readonly name: string;
  /** `-`, `+` or `?`, perhaps after a colon. */
  readonly operator?: string;
  readonly operand: string;
}

const named = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const operators = /:?[-+?]/y;

/** Deeper nesting is a mistake or an attack. */
const depthLimit = 100;

/** What a template consists of besides plain text, in order. A text without end is read in time proportional to it. */
function* tokensOf(template: string): Generator<Token> {
  const braces = new LastBraces(template);
  for (let start = template.indexOf('$'); start !== -1;) {
    const token = tokenAt(template, start, braces);
    if (token !== undefined) yield token;
    start = template.indexOf('$', token?.end ?? start + 1);
  }
}

function tokenAt(template: string, start: number, braces: LastBraces): Token | undefined {
  const next = template.charAt(start + 1);
  if (next === '$') return { start, end: start + 2 };
  if (next !== '{') {
    const name = matchAt(named, template, start + 1);
    return name === '' ? undefined : { start, end: start + 1 + name.length, variable: { name, operand: '' } };
  }
  const malformed: Token = { start, end: start + 2, malformed: true };
  const name = matchAt(named, template, start + 2);
  const behind = start + 2 + name.length;
  if (name === '') return malformed;
  if (template.charAt(behind) === '}') return { start, end: behind + 1, variable: { name, operand: '' } };
  const operator = matchAt(operators, template, behind);
  const from = behind + operator.length;
  const last = braces.onLineOf(from);
  if (operator === '' || last < from) return malformed;
  // Without a brace that closes it, an expression runs to the last brace of its line.
  const end = closingBrace(template, start, last) ?? last;
  return end < from
    ? malformed
    : { start, end: end + 1, variable: { name, operator, operand: template.slice(from, end) } };
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** Where the last closing brace of a line is, looked up once a line. */
class LastBraces {
  readonly #text: string;
  #lineEnd = -1;
  #last = -1;

  constructor(text: string) {
    this.#text = text;
  }

  onLineOf(at: number): number {
    if (at > this.#lineEnd) {
      const end = this.#text.indexOf('\n', at);
      this.#lineEnd = end === -1 ? this.#text.length : end;
      this.#last = this.#text.lastIndexOf('}', this.#lineEnd);
    }
    return this.#last;
  }
}

/**
 * Fills variables into a text (Compose Specification, "Interpolation"): `$VAR`, `${VAR}`, the operators `-`, `:-`,
 * `+`, `:+`, `?`, `:?` with nested expressions, and `$$` for a literal `$`.
 * @throws TemplateError for a malformed `${` and for a required variable without a value
 */
export function substitute(template: string, options: SubstituteOptions): string {
  return template.includes('$') ? fill(template, options, 0) : template;
}

function fill(template: string, options: SubstituteOptions, depth: number): string {
  if (depth > depthLimit) throw new TemplateError({ kind: 'invalid', template });
  let filled = '';
  let done = 0;
  for (const { start, end, variable, malformed } of tokensOf(template)) {
    if (malformed === true) throw new TemplateError({ kind: 'invalid', template });
    filled += template.slice(done, start);
    filled += variable === undefined ? '$' : valueOf(variable, options, depth);
    done = end;
  }
  return filled + template.slice(done);
}

function valueOf({ name, operator, operand }: Variable, options: SubstituteOptions, depth: number): string {
  if (operator === undefined) return read(name, options);
  // The operand is always filled in, used or not: a fault inside it shows at once rather than on a bad day.
  const filled = fill(operand, options, depth + 1);
  const value = options.lookup(name);
  const present = value !== undefined && (value !== '' || !operator.startsWith(':'));
  switch (operator.at(-1)) {
    case '-':
      return present ? value : filled;
    case '+':
      return present ? filled : (value ?? '');
    default:
      if (!present) throw new TemplateError({ kind: 'required', variable: name, reason: filled });
      return value;
  }
}

function read(name: string, options: SubstituteOptions): string {
  const value = options.lookup(name);
  if (value === undefined) options.onUnset?.(name);
  return value ?? '';
}

/** Index of the brace that closes the first one, up to `last`. The character after an opening brace never closes it. */
function closingBrace(text: string, start: number, last: number): number | undefined {
  let open = 0;
  for (let at = start; at <= last; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7d) {
      open--;
      if (open === 0) return at;
    } else if (code === 0x7b) {
      open++;
      at++;
    }
  }
  return undefined;
}

/** A variable named in a template, for `config --variables`. */
export interface TemplateVariable {
  readonly name: string;
  readonly defaultValue: string;
  readonly presenceValue: string;
  readonly required: boolean;
}

/** One `$NAME` or `${NAME…}` of a text. Offsets are those of the text. */
export interface TemplateReference {
  readonly name: string;
  /** `-`, `:-`, `+`, `:+`, `?`, `:?`; empty for none. */
  readonly operator: string;
  /** The default or alternate value or the reason, not filled in. */
  readonly operand: string;
  readonly start: number;
  readonly end: number;
  readonly operandStart: number;
}

/** The variables a text refers to, from left to right; those within defaults are found in the operands. */
export function referencesIn(template: string, offset = 0): readonly TemplateReference[] {
  const found: TemplateReference[] = [];
  for (const token of tokensOf(template)) {
    if (token.variable === undefined) continue;
    const { name, operator = '', operand } = token.variable;
    const [start, end] = [offset + token.start, offset + token.end];
    const operandStart = operator === '' ? end : start + 2 + name.length + operator.length;
    found.push({ name, operator, operand, start, end, operandStart });
  }
  return found;
}

/** Every variable a text refers to, nested ones included. */
export function variablesOf(template: string, depth = 0): readonly TemplateVariable[] {
  const found: TemplateVariable[] = [];
  for (const { name, operator, operand } of referencesIn(template)) {
    found.push({
      name,
      defaultValue: operator.endsWith('-') ? operand : '',
      presenceValue: operator.endsWith('+') ? operand : '',
      required: operator.endsWith('?'),
    });
    if (depth < depthLimit) found.push(...variablesOf(operand, depth + 1));
  }
  return found;
}
