import { messageOf } from '../../../base/errors.js';
import { badTemplate } from './bad-template.js';
import { functions, headerFunctions, type TemplateFunction } from './functions.js';
import { parseSyntax, type Node, type Operand, type Pipeline } from './syntax.js';
import { isTrue, show } from './values.js';

export interface TemplateData {
  readonly fields: Readonly<Record<string, unknown>>;
  /** `.Label "key"` and the like. */
  readonly methods?: Readonly<Record<string, (argument: string) => string>>;
}

export interface Template {
  /** @throws `cli/bad-template` where a value does not fit */
  readonly render: (data: TemplateData) => string;
  /** With titles in the place of the values of fields, for the first line of `table …`. */
  readonly header: (titleOf: (field: string) => string) => string;
}

/**
 * Go's text/template with docker's functions, as `--format` takes it. `\t` and `\n` stand for what they name.
 * @throws `cli/bad-template`
 */
export function parseTemplate(source: string): Template {
  const text = source.replace(/\\([tn])/g, (_, letter: string) => (letter === 't' ? '\t' : '\n'));
  const nodes = parseSyntax(text);
  checkFunctions(nodes);
  return {
    render: (data) => new Run(data, functions).print(nodes),
    header: (titleOf) => new Run({ fields: {} }, headerFunctions, titleOf).print(nodes),
  };
}

/** A function nobody knows is refused before anything is printed. */
function checkFunctions(nodes: readonly Node[]): void {
  const inOperand = (operand: Operand, source: string): void => {
    if (operand.kind === 'function' && functions[operand.name] === undefined) {
      throw badTemplate(source, `uses "${operand.name}", which is no function`);
    }
    if (operand.kind === 'field') inOperand(operand.of, source);
    if (operand.kind === 'pipeline') inPipeline(operand.pipeline);
  };
  const inPipeline = ({ commands, source }: Pipeline): void => {
    for (const { words } of commands) for (const word of words) inOperand(word, source);
  };
  for (const node of nodes) {
    if (node.kind === 'text') continue;
    inPipeline(node.pipeline);
    if (node.kind !== 'show' && node.kind !== 'set') checkFunctions([...node.body, ...node.otherwise]);
  }
}

type Scope = Map<string, unknown>;

/** One rendering of a template. */
class Run {
  readonly #data: TemplateData;
  readonly #functions: Readonly<Record<string, TemplateFunction>>;
  readonly #titleOf: ((field: string) => string) | undefined;
  readonly #scopes: Scope[];

  constructor(
    data: TemplateData,
    known: Readonly<Record<string, TemplateFunction>>,
    titleOf?: (field: string) => string,
  ) {
    this.#data = data;
    this.#functions = known;
    this.#titleOf = titleOf;
    this.#scopes = [new Map([['', data.fields]])];
  }

  print(nodes: readonly Node[]): string {
    return this.#body(nodes, this.#data.fields);
  }

  #body(nodes: readonly Node[], dot: unknown): string {
    return nodes.map((node) => this.#node(node, dot)).join('');
  }

  #node(node: Node, dot: unknown): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'show': {
        const value = this.#value(node.pipeline, dot);
        return value === this.#data.fields ? JSON.stringify(value) : show(value);
      }
      case 'set': {
        const value = this.#value(node.pipeline, dot);
        const holder = node.fresh ? this.#scopes.at(-1) : this.#scopes.findLast((scope) => scope.has(node.name));
        if (holder === undefined) throw badTemplate(node.pipeline.source, `sets $${node.name}, which is not declared`);
        holder.set(node.name, value);
        return '';
      }
      case 'if':
      case 'with': {
        const value = this.#value(node.pipeline, dot);
        if (!isTrue(value)) return this.#inside(node.otherwise, dot, []);
        const [name] = node.variables;
        return this.#inside(node.body, node.kind === 'with' ? value : dot, name === undefined ? [] : [[name, value]]);
      }
      case 'range': {
        const value = this.#value(node.pipeline, dot);
        const entries = this.#titleOf === undefined ? entriesOf(value) : [];
        if (entries === undefined) throw badTemplate(node.pipeline.source, 'goes through what is no list');
        if (entries.length === 0) return this.#inside(node.otherwise, dot, []);
        const [first, second] = node.variables;
        return entries
          .map(([key, value]) => {
            const named: [string, unknown][] =
              first === undefined
                ? []
                : second === undefined
                  ? [[first, value]]
                  : [
                      [first, key],
                      [second, value],
                    ];
            return this.#inside(node.body, value, named);
          })
          .join('');
      }
    }
  }

  #inside(nodes: readonly Node[], dot: unknown, variables: readonly (readonly [string, unknown])[]): string {
    this.#scopes.push(new Map(variables));
    const text = this.#body(nodes, dot);
    this.#scopes.pop();
    return text;
  }

  #value({ commands, source }: Pipeline, dot: unknown): unknown {
    let piped: readonly unknown[] = [];
    for (const { words } of commands) {
      const [first, ...rest] = words;
      if (first === undefined) throw badTemplate(source, 'misses a value');
      const given = [...rest.map((word) => this.#operand(word, dot, source)), ...piped];
      piped = [this.#call(first, given, dot, source)];
    }
    return piped[0];
  }

  #call(operand: Operand, given: readonly unknown[], dot: unknown, source: string): unknown {
    if (operand.kind === 'function') {
      const called = this.#functions[operand.name];
      if (called === undefined) throw badTemplate(source, `uses "${operand.name}", which is no function`);
      try {
        return called(...given);
      } catch (error) {
        throw badTemplate(source, messageOf(error));
      }
    }
    if (operand.kind === 'field' && operand.of.kind === 'dot' && given.length > 0) {
      // A column of labels has the end of their key for its title, as in docker's tables.
      if (this.#titleOf !== undefined && operand.name === 'Label')
        return show(given[0]).split('.').at(-1)?.replaceAll(/[-_]/g, ' ') ?? '';
      const method = this.#data.methods?.[operand.name];
      if (method !== undefined) return method(show(given[0]));
      if (this.#titleOf === undefined) throw badTemplate(source, `has no method .${operand.name}`);
      return this.#operand(operand, dot, source);
    }
    if (given.length > 0) throw badTemplate(source, 'gives arguments to what is no function');
    return this.#operand(operand, dot, source);
  }

  #operand(operand: Operand, dot: unknown, source: string): unknown {
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'dot':
        return dot;
      case 'variable': {
        const scope = this.#scopes.findLast((one) => one.has(operand.name));
        if (scope === undefined) throw badTemplate(source, `uses $${operand.name}, which is not declared`);
        return scope.get(operand.name);
      }
      case 'function':
        return this.#call(operand, [], dot, source);
      case 'pipeline':
        return this.#value(operand.pipeline, dot);
      case 'field': {
        if (this.#titleOf !== undefined) return this.#titleOf(operand.name);
        const holder = this.#operand(operand.of, dot, source);
        const members = typeof holder === 'object' && holder !== null ? Object.entries(holder) : [];
        const found = members.find(([name]) => name === operand.name);
        if (found !== undefined) return found[1];
        const known = members.length === 0 ? 'no field of it' : `none of ${members.map(([name]) => name).join(', ')}`;
        throw badTemplate(source, `has .${operand.name}, which is ${known}`);
      }
    }
  }
}

function entriesOf(value: unknown): [unknown, unknown][] | undefined {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((one, index) => [index, one as unknown]);
  if (typeof value === 'number') return Array.from({ length: value }, (_, index) => [index, index]);
  return typeof value === 'object' ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : undefined;
}
