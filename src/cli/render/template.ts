import { TscomposeError } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/bad-template': { readonly action: string };
  }
}

export interface TemplateData {
  readonly fields: Readonly<Record<string, unknown>>;
  /** `.Label "key"` and the like. */
  readonly methods?: Readonly<Record<string, (argument: string) => string>>;
}

export type Template = (data: TemplateData) => string;

/**
 * The part of Go's text/template that `--format` lives on: fields, methods with a text, pipelines of functions.
 * @throws `cli/bad-template` for anything else, such as `if` and `range`
 */
export function parseTemplate(source: string): Template {
  const text = source.replace(/\\([tn])/g, (_, letter: string) => (letter === 't' ? '\t' : '\n'));
  const pieces: Template[] = [];
  let position = 0;
  for (const match of text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)) {
    const before = text.slice(position, match.index);
    pieces.push(() => before, parseAction(match[1] ?? ''));
    position = match.index + match[0].length;
  }
  const rest = text.slice(position);
  if (rest.includes('{{')) throw badTemplate(rest, 'is not closed with }}');
  pieces.push(() => rest);
  return (data) => pieces.map((piece) => piece(data)).join('');
}

/** Field names in order of appearance, for the header of `table …`. */
export function templateFields(source: string): string[] {
  return [...source.matchAll(/\{\{[^}]*?\.([A-Z]\w*)/g)].map((match) => match[1] ?? '');
}

type Evaluate = (data: TemplateData) => unknown;

function parseAction(action: string): Template {
  const [first = '', ...functions] = action.split('|').map((stage) => stage.trim());
  const start = parseOperand(first);
  const steps = functions.map((name) => functionNamed(name, action));
  return (data) => show(steps.reduce((value, step) => step(value), start(data)));
}

function parseOperand(text: string): Evaluate {
  const [, name, argument = ''] = /^(\w+)\s+(.+)$/s.exec(text) ?? [];
  if (name !== undefined) {
    const apply = functionNamed(name, text);
    const inner = parseOperand(argument);
    return (data) => apply(inner(data));
  }
  if (text === '.') return ({ fields }) => fields;
  const method = /^\.(\w+)\s+"((?:[^"\\]|\\.)*)"$/.exec(text);
  if (method !== null) {
    const [, called = '', literal = ''] = method;
    return ({ methods }) => {
      const found = methods?.[called];
      if (found === undefined) throw badTemplate(text, `has no method .${called}`);
      return found(literal);
    };
  }
  const field = /^\.(\w+)$/.exec(text)?.[1];
  if (field === undefined) throw badTemplate(text, 'is not understood here');
  return ({ fields }) => {
    if (!(field in fields)) throw badTemplate(text, `is none of ${Object.keys(fields).join(', ')}`);
    return fields[field];
  };
}

const functions: Readonly<Record<string, (value: unknown) => unknown>> = {
  json: (value) => JSON.stringify(value),
  lower: (value) => show(value).toLowerCase(),
  upper: (value) => show(value).toUpperCase(),
  title: (value) => show(value).replace(/\b\w/g, (letter) => letter.toUpperCase()),
  println: (value) => `${show(value)}\n`,
};

function functionNamed(name: string, action: string): (value: unknown) => unknown {
  const found = functions[name];
  if (found === undefined) throw badTemplate(action, `uses "${name}", which is not supported`);
  return found;
}

function show(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function badTemplate(action: string, problem: string): TscomposeError {
  return new TscomposeError({
    code: 'cli/bad-template',
    message: `--format: "${action}" ${problem}`,
    facts: { action },
    hint: 'fields look like {{.Name}}, functions like {{json .Labels}} or {{.State | upper}}',
  });
}
