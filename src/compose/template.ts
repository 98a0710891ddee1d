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

// `$$`, `$NAME`, `${NAME}`, `${NAME<operator>…}` up to the last brace of the line, or a `${` that is none of these.
const tokens = /\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{(?:([_a-zA-Z][_a-zA-Z0-9]*(?::?[-+?].*)?)\}|))/g;
const bracedToken = /^\$\{([_a-zA-Z][_a-zA-Z0-9]*(?::?[-+?].*)?)\}/;
const expression = /^([_a-zA-Z][_a-zA-Z0-9]*)(:?[-+?])?(.*)$/;

/**
 * Fills variables into a text (Compose Specification, "Interpolation"): `$VAR`, `${VAR}`, the operators `-`, `:-`,
 * `+`, `:+`, `?`, `:?` with nested expressions, and `$$` for a literal `$`.
 * @throws TemplateError for a malformed `${` and for a required variable without a value
 */
export function substitute(template: string, options: SubstituteOptions): string {
  if (!template.includes('$')) return template;
  return template.replace(tokens, (match: string, escaped?: string, named?: string, braced?: string) => {
    if (escaped !== undefined) return '$';
    if (named !== undefined) return read(named, options);
    if (braced === undefined) throw new TemplateError({ kind: 'invalid', template });
    return expandBraced(match, template, options);
  });
}

// A match runs to the last brace of its line, so it may hold more text and more expressions behind its own end.
function expandBraced(match: string, template: string, options: SubstituteOptions): string {
  const end = closingBrace(match);
  const own = end === -1 ? match : match.slice(0, end + 1);
  const rest = end === -1 ? '' : match.slice(end + 1);
  const inner = bracedToken.exec(own)?.[1];
  const [, name, operator, operand = ''] = (inner === undefined ? null : expression.exec(inner)) ?? [];
  if (name === undefined) throw new TemplateError({ kind: 'invalid', template });
  if (operator === undefined) return read(name, options);
  return applyOperator(name, operator, operand, options) + substitute(rest, options);
}

function applyOperator(name: string, operator: string, operand: string, options: SubstituteOptions): string {
  // The operand is always filled in, used or not: a fault inside it shows at once rather than on a bad day.
  const filled = substitute(operand, options);
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

/** Index of the brace that closes the first one. The character after an opening brace never closes it. */
function closingBrace(text: string): number {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '}') {
      open--;
      if (open === 0) return at;
    } else if (text[at] === '{') {
      open++;
      at++;
    }
  }
  return -1;
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
  for (const match of template.matchAll(tokens)) {
    const [text, , named, braced] = match;
    const start = offset + match.index;
    const end = start + text.length;
    if (named !== undefined) found.push({ name: named, operator: '', operand: '', start, end, operandStart: end });
    if (braced === undefined) continue;
    const close = closingBrace(text);
    const own = close === -1 ? text : text.slice(0, close + 1);
    const [, name = '', operator = '', operand = ''] = expression.exec(bracedToken.exec(own)?.[1] ?? '') ?? [];
    if (name === '') continue;
    const operandStart = start + 2 + name.length + operator.length;
    found.push({ name, operator, operand, start, end: start + own.length, operandStart });
    found.push(...referencesIn(text.slice(own.length), start + own.length));
  }
  return found;
}

/** Every variable a text refers to, nested ones included. */
export function variablesOf(template: string): readonly TemplateVariable[] {
  return referencesIn(template).flatMap(({ name, operator, operand }) => {
    const variable = {
      name,
      defaultValue: operator.endsWith('-') ? operand : '',
      presenceValue: operator.endsWith('+') ? operand : '',
      required: operator.endsWith('?'),
    };
    return [variable, ...variablesOf(operand)];
  });
}
