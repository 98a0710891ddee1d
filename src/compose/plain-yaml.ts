import { blockScalar } from './block-scalar.js';
import { depthLimit, emptyScalar, InlineYaml, unusual } from './inline-yaml.js';
import type { MapSyntax, PairSyntax, ScalarSyntax, SyntaxNode } from './syntax-tree.js';
import {
  ampersand,
  bar,
  dash,
  endsWord,
  exclamation,
  greater,
  hash,
  isFlowIndicator,
  newline,
  question,
  space,
} from './yaml-characters.js';

/**
 * Reads the YAML people write by hand in one pass, some ten times as fast as a full parser: block and flow collections,
 * scalars of one line, block scalars, comments, anchors and tags.
 * @returns the documents; undefined for every other file, faulty ones included: the full parser reads those, and words
 *   the errors
 */
export function parsePlainYaml(text: string): readonly SyntaxNode[] | undefined {
  try {
    if (unusualText.test(text)) throw unusual;
    const starts = Array.from(text.matchAll(laterDocument), ({ index }) => index + 1);
    return [0, ...starts].flatMap((start, index) => new PlainParser(text.slice(0, starts[index]), start).document());
  } catch (error) {
    if (error === unusual) return undefined;
    throw error;
  }
}

// Other line breaks, characters YAML forbids, marks of a document's end: rare, and with rules of their own.
// eslint-disable-next-line no-control-regex -- they are what is looked for
const unusualText = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|^%|^\.\.\.|\n\.\.\./;

/** Wherever that stands, within quotes too, the document before is over. */
const laterDocument = /\n---/g;

interface Properties {
  tag: string | undefined;
  anchor: string | undefined;
}

class PlainParser extends InlineYaml {
  /** Behind the blanks {@link #lineRest} skipped last: where a value left empty stands. */
  #restStart = 0;

  /** @param start - where in the text the document begins; it ends with the text */
  constructor(text: string, start: number) {
    super(text);
    this.at = start;
  }

  /** None: there is nothing but comments. */
  document(): [] | [SyntaxNode] {
    const { text } = this;
    const marked = text.startsWith('---', this.at);
    if (marked) {
      this.at += 3;
      if (this.code() !== newline && this.code() !== space) throw unusual;
      this.skipBlanks();
      if (this.code() !== newline && this.code() !== hash) throw unusual;
    }
    this.skipToContent();
    if (this.at >= text.length) {
      if (marked) throw unusual;
      return [];
    }
    const root = this.#block(-1, this.column());
    this.skipToContent();
    if (this.at < text.length) throw unusual;
    return [root];
  }

  /** To the end of the line, over a comment; anything else there is for the full parser. */
  #finishLine(): void {
    this.skipBlanks();
    const code = this.code();
    if (code === newline || this.at >= this.text.length) return;
    if (code !== hash) throw unusual;
    this.skipComment();
  }

  /** The node that begins here, `column` deep, in a collection `parent` deep. */
  #block(parent: number, column: number): SyntaxNode {
    if (++this.depth > depthLimit) throw unusual;
    const code = this.code();
    const node = code === dash && endsWord(this.code(1)) ? this.#blockList(column) : this.#mapOrScalar(parent, column);
    this.depth--;
    return node;
  }

  #blockList(column: number): SyntaxNode {
    const start = this.at;
    const items: SyntaxNode[] = [];
    let end: number;
    for (;;) {
      this.at++; // the dash
      const item = this.#value(column, 'compact');
      items.push(item);
      end = item.end;
      this.skipToContent();
      if (this.at >= this.text.length) break;
      const next = this.column();
      if (next < column) break;
      if (next > column) throw unusual;
      if (this.code() !== dash || !endsWord(this.code(1))) break;
    }
    return { kind: 'list', items, start, end };
  }

  /** What follows a dash or a colon: on this line, or deeper on the next ones. */
  #value(column: number, form: 'compact' | 'of a key'): SyntaxNode {
    if (!this.#lineRest()) return this.#below(column, form, undefined);
    const properties = this.#properties();
    if (properties === undefined || this.#lineRest()) return this.#inline(column, form, properties);
    return this.#below(column, form, properties);
  }

  /** Skips blanks; true when something other than a comment stands there. Else the place is the line's end. */
  #lineRest(): boolean {
    const before = this.at;
    this.skipBlanks();
    this.#restStart = this.at;
    const code = this.code();
    if (code === hash && this.at > before) this.skipComment();
    else if (code !== newline && this.at < this.text.length) return true;
    return false;
  }

  #inline(column: number, form: 'compact' | 'of a key', properties: Properties | undefined): SyntaxNode {
    const code = this.code();
    if (code === bar || code === greater) return withProperties(this.#blockText(column), properties);
    if (form === 'compact' && properties === undefined) return this.#block(column, this.column());
    if (code === dash && endsWord(this.code(1))) throw unusual;
    const node = this.scalarLine(column);
    this.#finishLine();
    return withProperties(node, properties);
  }

  #below(column: number, form: 'compact' | 'of a key', properties: Properties | undefined): SyntaxNode {
    const lineEnd = this.at;
    const empty = this.#restStart;
    this.skipToContent();
    const next = this.at < this.text.length ? this.column() : -1;
    const listAtKey = form === 'of a key' && next === column && this.code() === dash && endsWord(this.code(1));
    if (next > column || listAtKey) {
      const second = this.code();
      if (properties !== undefined && (second === ampersand || second === exclamation)) throw unusual;
      if (second === bar || second === greater) throw unusual;
      return withProperties(this.#block(listAtKey ? column - 1 : column, next), properties);
    }
    this.at = lineEnd;
    return withProperties(emptyScalar(empty), properties);
  }

  #properties(): Properties | undefined {
    let found: Properties | undefined;
    for (;;) {
      const code = this.code();
      if (code !== ampersand && code !== exclamation) return found;
      const start = this.at;
      while (!endsWord(this.code()) && !isFlowIndicator(this.code())) this.at++;
      const word = this.text.slice(start, this.at);
      if (!endsWord(this.code())) throw unusual;
      found ??= { tag: undefined, anchor: undefined };
      if (code === ampersand) {
        if (found.anchor !== undefined || !/^&[\w.-]+$/.test(word)) throw unusual;
        found.anchor = word.slice(1);
      } else {
        if (found.tag !== undefined || !/^!!?[a-z]+$/.test(word)) throw unusual;
        found.tag = word.startsWith('!!') ? `tag:yaml.org,2002:${word.slice(2)}` : word;
      }
      this.skipBlanks();
    }
  }

  #mapOrScalar(parent: number, column: number): SyntaxNode {
    const begin = this.at;
    const properties = this.#properties();
    if (properties !== undefined && !this.#lineRest()) return this.#below(parent, 'compact', properties);
    const code = this.code();
    if (code === question && endsWord(this.code(1))) throw unusual;
    const first = this.scalarLine(parent);
    if (!this.isKeyEnd(begin)) {
      this.#finishLine();
      return withProperties(first, properties);
    }
    if (properties !== undefined) throw unusual; // does it belong to the key or to the mapping?
    return this.#blockMap(first, column);
  }

  #blockMap(firstKey: SyntaxNode, column: number): MapSyntax {
    const pairs: PairSyntax[] = [];
    let key = firstKey;
    let end: number;
    for (;;) {
      if (key.kind !== 'scalar' && key.kind !== 'alias') throw unusual;
      this.at++; // the colon
      const value = this.#value(column, 'of a key');
      pairs.push({ key, value });
      end = value.end;
      this.skipToContent();
      if (this.at >= this.text.length) break;
      const next = this.column();
      if (next < column) break;
      const start = this.at;
      const code = this.code();
      if (next > column || code === ampersand || code === exclamation) throw unusual;
      if ((code === dash || code === question) && endsWord(this.code(1))) throw unusual;
      key = this.scalarLine(column);
      if (!this.isKeyEnd(start)) throw unusual;
    }
    return { kind: 'map', pairs, start: firstKey.start, end };
  }

  #blockText(parent: number): ScalarSyntax {
    const start = this.at;
    const read = blockScalar(this.text, start, parent);
    if (read === undefined) throw unusual;
    this.at = read.end;
    return { kind: 'scalar', text: read.text, plain: false, start, end: read.end };
  }
}

function withProperties(node: SyntaxNode, properties: Properties | undefined): SyntaxNode {
  if (properties === undefined) return node;
  if (node.kind === 'alias') throw unusual;
  return { ...node, ...properties };
}
