import { badTemplate } from './bad-template.js';
import { tokenise, type Piece, type Token } from './tokens.js';

/** What stands where a value is expected. */
export type Operand =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'dot' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
  | { readonly kind: 'field'; readonly of: Operand; readonly name: string };

/** An operand or a call; the value of one command is the last argument of the next. */
export interface Command {
  readonly words: readonly Operand[];
}

export interface Pipeline {
  readonly commands: readonly Command[];
  readonly source: string;
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'show'; readonly pipeline: Pipeline }
  | { readonly kind: 'set'; readonly name: string; readonly fresh: boolean; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      /** `$i, $v :=` before the pipeline. */
      readonly variables: readonly string[];
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/**
 * Go's text/template without `define`, `template` and `block`, which have no place in one line.
 * @throws `cli/bad-template`
 */
export function parseSyntax(source: string): readonly Node[] {
  const pieces = tokenise(source);
  const { nodes, end } = parseBody(pieces, { at: 0 });
  if (end !== undefined) throw badTemplate(end, 'has nothing to end');
  return nodes;
}

interface Cursor {
  at: number;
}

/** @returns the nodes up to `end` or `else`, and that action; undefined at the end of the template */
function parseBody(pieces: readonly Piece[], cursor: Cursor): { nodes: Node[]; end: string | undefined } {
  const nodes: Node[] = [];
  for (let piece = pieces[cursor.at++]; piece !== undefined; piece = pieces[cursor.at++]) {
    if ('text' in piece) {
      nodes.push({ kind: 'text', text: piece.text });
      continue;
    }
    const { tokens, source } = piece;
    const keyword = tokens[0]?.kind === 'name' ? tokens[0].text : '';
    if (keyword === 'end' || keyword === 'else') return { nodes, end: source };
    if (keyword === 'if' || keyword === 'with' || keyword === 'range') {
      nodes.push(parseBlock(keyword, tokens.slice(1), source, pieces, cursor));
    } else nodes.push(parseAction(tokens, source));
  }
  return { nodes, end: undefined };
}

function parseBlock(
  kind: 'if' | 'with' | 'range',
  head: readonly Token[],
  source: string,
  pieces: readonly Piece[],
  cursor: Cursor,
): Node {
  const assigned = head.findIndex(({ text, kind: of }) => of === 'sign' && text === ':=');
  const variables = head
    .slice(0, Math.max(0, assigned))
    .flatMap((token) => (token.kind === 'variable' ? [token.text] : []));
  const pipeline = parsePipeline(head.slice(assigned + 1), source);
  const { nodes: body, end } = parseBody(pieces, cursor);
  if (end === undefined) throw badTemplate(source, 'is not ended by {{end}}');
  if (end === 'end') return { kind, pipeline, variables, body, otherwise: [] };
  const chained = /^else\s+(if|with)\s/.exec(end)?.[1];
  if (chained === 'if' || chained === 'with') {
    const [piece] = tokenise(`{{${end.replace(/^else\s+(if|with)\s/, '')}}}`).filter((one) => 'tokens' in one);
    const tokens = piece !== undefined && 'tokens' in piece ? piece.tokens : [];
    return { kind, pipeline, variables, body, otherwise: [parseBlock(chained, tokens, end, pieces, cursor)] };
  }
  const { nodes: otherwise, end: last } = parseBody(pieces, cursor);
  if (last !== 'end') throw badTemplate(source, 'is not ended by {{end}}');
  return { kind, pipeline, variables, body, otherwise };
}

function parseAction(tokens: readonly Token[], source: string): Node {
  const [first, sign, ...rest] = tokens;
  if (first?.kind === 'variable' && sign?.kind === 'sign' && (sign.text === ':=' || sign.text === '=')) {
    return { kind: 'set', name: first.text, fresh: sign.text === ':=', pipeline: parsePipeline(rest, source) };
  }
  return { kind: 'show', pipeline: parsePipeline(tokens, source) };
}

function parsePipeline(tokens: readonly Token[], source: string): Pipeline {
  const cursor = { at: 0 };
  const pipeline = readPipeline(tokens, cursor, source);
  if (cursor.at < tokens.length) throw badTemplate(source, `is not understood at "${tokens[cursor.at]?.text ?? ''}"`);
  return pipeline;
}

function readPipeline(tokens: readonly Token[], cursor: Cursor, source: string): Pipeline {
  const commands: Command[] = [];
  let words: Operand[] = [];
  const finish = (): void => {
    if (words.length === 0) throw badTemplate(source, 'misses a value');
    commands.push({ words });
    words = [];
  };
  for (let token = tokens[cursor.at]; token !== undefined; token = tokens[cursor.at]) {
    if (token.kind === 'sign' && token.text === ')') break;
    cursor.at++;
    if (token.kind === 'sign' && token.text === '|') finish();
    else if (token.kind === 'field' && token.joined && words.length > 0) {
      words.push({ kind: 'field', of: words.pop() ?? { kind: 'dot' }, name: token.text });
    } else words.push(readOperand(token, tokens, cursor, source));
  }
  finish();
  return { commands, source };
}

function readOperand(token: Token, tokens: readonly Token[], cursor: Cursor, source: string): Operand {
  switch (token.kind) {
    case 'string':
      return { kind: 'literal', value: token.text };
    case 'number':
      return { kind: 'literal', value: Number(token.text.replaceAll('_', '')) };
    case 'field':
      return { kind: 'field', of: { kind: 'dot' }, name: token.text };
    case 'variable':
      return { kind: 'variable', name: token.text };
    case 'name':
      if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' };
      return token.text === 'nil' ? { kind: 'literal', value: null } : { kind: 'function', name: token.text };
    case 'sign': {
      if (token.text === '.') return { kind: 'dot' };
      if (token.text !== '(') throw badTemplate(source, `is not understood at "${token.text}"`);
      const pipeline = readPipeline(tokens, cursor, source);
      if (tokens[cursor.at++]?.text !== ')') throw badTemplate(source, 'misses a )');
      return { kind: 'pipeline', pipeline };
    }
  }
}
