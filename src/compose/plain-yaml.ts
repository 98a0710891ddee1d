import { blockScalar } from './block-scalar.js';
import type { AliasSyntax, MapSyntax, PairSyntax, ScalarSyntax, SyntaxNode } from './syntax-tree.js';

/** Thrown at anything out of the ordinary; never leaves this file. */
const unusual = new Error('bug: an unusual YAML file was not left to the full parser');

/** Deeper files go to the full parser, which reports depth. */
const depthLimit = 100;

/**
 * Reads the YAML people write by hand in one pass, some ten times as fast as a full parser: one document of block and
 * flow collections, scalars of one line, block scalars, comments, anchors and tags.
 * @returns undefined for every other file, faulty ones included: the full parser reads those, and words the errors.
 *   Null for a file without a document.
 */
export function parsePlainYaml(text: string): SyntaxNode | null | undefined {
  try {
    return new PlainParser(text).document();
  } catch (error) {
    if (error === unusual) return undefined;
    throw error;
  }
}

const newline = 0x0a;
const space = 0x20;
const [hash, dash, colon, comma] = [0x23, 0x2d, 0x3a, 0x2c];
const [openList, closeList, openMap, closeMap] = [0x5b, 0x5d, 0x7b, 0x7d];
const [singleQuote, doubleQuote, backslash] = [0x27, 0x22, 0x5c];
const [ampersand, asterisk, exclamation, question] = [0x26, 0x2a, 0x21, 0x3f];
const [bar, greater] = [0x7c, 0x3e];

/** A blank, a line's end or the end of the text (NaN). */
function endsWord(code: number): boolean {
  return !(code > space);
}

function isFlowIndicator(code: number): boolean {
  return code === comma || code === openList || code === closeList || code === openMap || code === closeMap;
}

// Tabs, other line breaks, characters YAML forbids, later documents: rare, and with rules of their own.
// eslint-disable-next-line no-control-regex -- they are what is looked for
const unusualText = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|^\.\.\.|\n(?:---|\.\.\.)/;

/** What a plain scalar cannot begin with, besides what flow collections are made of. */
const noPlainStart = new Set(Array.from('#&*!|>\'"%@`', (character) => character.charCodeAt(0)));

interface Properties {
  tag: string | undefined;
  anchor: string | undefined;
}

class PlainParser {
  readonly #text: string;
  #at = 0;
  /** Behind the blanks {@link #lineRest} skipped last: where a value left empty stands. */
  #restStart = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): SyntaxNode | null {
    const text = this.#text;
    if (unusualText.test(text) || text.startsWith('%')) throw unusual;
    if (text.startsWith('---')) {
      this.#at = 3;
      if (this.#code() !== newline && this.#code() !== space) throw unusual;
      this.#skipBlanks();
      if (this.#code() !== newline && this.#code() !== hash) throw unusual;
    }
    this.#skipToContent();
    if (this.#at >= text.length) {
      if (text.startsWith('---')) throw unusual;
      return null;
    }
    const root = this.#block(-1, this.#column());
    this.#skipToContent();
    if (this.#at < text.length) throw unusual;
    return root;
  }

  #code(offset = 0): number {
    return this.#text.charCodeAt(this.#at + offset);
  }

  #column(): number {
    return this.#at - this.#text.lastIndexOf('\n', this.#at - 1) - 1;
  }

  #skipBlanks(): void {
    while (this.#code() === space) this.#at++;
  }

  /** To the end of the line, over a comment; anything else there is for the full parser. */
  #finishLine(): void {
    const before = this.#at;
    this.#skipBlanks();
    const code = this.#code();
    if (code === newline || this.#at >= this.#text.length) return;
    if (code !== hash || this.#at === before) throw unusual;
    this.#skipComment();
  }

  #skipComment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end;
  }

  /** To the next thing that is no blank, line break or comment. */
  #skipToContent(): void {
    for (;;) {
      const code = this.#code();
      if (code === space || code === newline) this.#at++;
      else if (code === hash && (this.#at === 0 || endsWord(this.#code(-1)))) this.#skipComment();
      else return;
    }
  }

  /** The node that begins here, `column` deep, in a collection `parent` deep. */
  #block(parent: number, column: number): SyntaxNode {
    if (++this.#depth > depthLimit) throw unusual;
    const code = this.#code();
    const node = code === dash && endsWord(this.#code(1)) ? this.#blockList(column) : this.#mapOrScalar(parent, column);
    this.#depth--;
    return node;
  }

  #blockList(column: number): SyntaxNode {
    const start = this.#at;
    const items: SyntaxNode[] = [];
    let end: number;
    for (;;) {
      this.#at++; // the dash
      const item = this.#value(column, 'compact');
      items.push(item);
      end = item.end;
      this.#skipToContent();
      if (this.#at >= this.#text.length) break;
      const next = this.#column();
      if (next < column) break;
      if (next > column) throw unusual;
      if (this.#code() !== dash || !endsWord(this.#code(1))) break;
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
    const before = this.#at;
    this.#skipBlanks();
    this.#restStart = this.#at;
    const code = this.#code();
    if (code === hash && this.#at > before) this.#skipComment();
    else if (code !== newline && this.#at < this.#text.length) return true;
    return false;
  }

  #inline(column: number, form: 'compact' | 'of a key', properties: Properties | undefined): SyntaxNode {
    const code = this.#code();
    if (code === bar || code === greater) return withProperties(this.#blockText(column), properties);
    if (form === 'compact' && properties === undefined) return this.#block(column, this.#column());
    if (code === dash && endsWord(this.#code(1))) throw unusual;
    const node = this.#scalarLine(column);
    this.#finishLine();
    return withProperties(node, properties);
  }

  #below(column: number, form: 'compact' | 'of a key', properties: Properties | undefined): SyntaxNode {
    const lineEnd = this.#at;
    const empty = this.#restStart;
    this.#skipToContent();
    const next = this.#at < this.#text.length ? this.#column() : -1;
    const listAtKey = form === 'of a key' && next === column && this.#code() === dash && endsWord(this.#code(1));
    if (next > column || listAtKey) {
      const second = this.#code();
      if (properties !== undefined && (second === ampersand || second === exclamation)) throw unusual;
      if (second === bar || second === greater) throw unusual;
      return withProperties(this.#block(listAtKey ? column - 1 : column, next), properties);
    }
    this.#at = lineEnd;
    return withProperties({ kind: 'scalar', text: '', plain: true, start: empty, end: empty }, properties);
  }

  #properties(): Properties | undefined {
    let found: Properties | undefined;
    for (;;) {
      const code = this.#code();
      if (code !== ampersand && code !== exclamation) return found;
      const start = this.#at;
      while (!endsWord(this.#code()) && !isFlowIndicator(this.#code())) this.#at++;
      const word = this.#text.slice(start, this.#at);
      if (!endsWord(this.#code())) throw unusual;
      found ??= { tag: undefined, anchor: undefined };
      if (code === ampersand) {
        if (found.anchor !== undefined || !/^&[\w.-]+$/.test(word)) throw unusual;
        found.anchor = word.slice(1);
      } else {
        if (found.tag !== undefined || !/^!!?[a-z]+$/.test(word)) throw unusual;
        found.tag = word.startsWith('!!') ? `tag:yaml.org,2002:${word.slice(2)}` : word;
      }
      this.#skipBlanks();
    }
  }

  #mapOrScalar(parent: number, column: number): SyntaxNode {
    const begin = this.#at;
    const properties = this.#properties();
    if (properties !== undefined && !this.#lineRest()) return this.#below(parent, 'compact', properties);
    const code = this.#code();
    if (code === question && endsWord(this.#code(1))) throw unusual;
    const first = this.#scalarLine(parent);
    if (!this.#isKeyEnd(begin)) {
      this.#finishLine();
      return withProperties(first, properties);
    }
    if (properties !== undefined) throw unusual; // does it belong to the key or to the mapping?
    return this.#blockMap(first, column);
  }

  /** At the colon behind a key that began at `start`, on the same line. */
  #isKeyEnd(start: number): boolean {
    let at = this.#at;
    while (this.#text.charCodeAt(at) === space) at++;
    if (this.#text.charCodeAt(at) !== colon || !endsWord(this.#text.charCodeAt(at + 1))) return false;
    if (at - start > 1000 || this.#text.lastIndexOf('\n', at) > start) throw unusual;
    this.#at = at;
    return true;
  }

  #blockMap(firstKey: SyntaxNode, column: number): MapSyntax {
    const pairs: PairSyntax[] = [];
    let key = firstKey;
    let end: number;
    for (;;) {
      if (key.kind !== 'scalar' && key.kind !== 'alias') throw unusual;
      this.#at++; // the colon
      const value = this.#value(column, 'of a key');
      pairs.push({ key, value });
      end = value.end;
      this.#skipToContent();
      if (this.#at >= this.#text.length) break;
      const next = this.#column();
      if (next < column) break;
      const start = this.#at;
      const code = this.#code();
      if (next > column || code === ampersand || code === exclamation) throw unusual;
      if ((code === dash || code === question) && endsWord(this.#code(1))) throw unusual;
      key = this.#scalarLine(column);
      if (!this.#isKeyEnd(start)) throw unusual;
    }
    return { kind: 'map', pairs, start: firstKey.start, end };
  }

  /** A scalar, an alias or a flow collection; a plain scalar may go on over the following lines, `parent` deep or more. */
  #scalarLine(parent: number): SyntaxNode {
    return this.#marked() ?? this.#plain(parent);
  }

  /** What its first character tells: a quoted scalar, an alias, a flow collection; undefined for a plain scalar. */
  #marked(): SyntaxNode | undefined {
    switch (this.#code()) {
      case doubleQuote:
        return this.#doubleQuoted();
      case singleQuote:
        return this.#singleQuoted();
      case asterisk:
        return this.#alias();
      case openList:
      case openMap:
        return this.#flow();
      default:
        return undefined;
    }
  }

  #plain(parent: number): ScalarSyntax {
    const start = this.#at;
    const end = this.#plainEnd(start, 'block');
    this.#at = end;
    let text = this.#text.slice(start, end);
    let last = end;
    let breaks = 0;
    // More lines: folded, an empty one stands for a line break.
    for (let at = end; ;) {
      while (this.#text.charCodeAt(at) === space) at++;
      if (this.#text.charCodeAt(at) === newline) {
        breaks++;
        at++;
        continue;
      }
      if (breaks === 0 || at >= this.#text.length) break;
      const column = at - this.#text.lastIndexOf('\n', at - 1) - 1;
      if (column <= parent || this.#text.charCodeAt(at) === hash) break;
      const lineEnd = this.#plainEnd(at, 'continued');
      text += (breaks === 1 ? ' ' : '\n'.repeat(breaks - 1)) + this.#text.slice(at, lineEnd);
      breaks = 0;
      at = last = lineEnd;
    }
    this.#at = last;
    return { kind: 'scalar', text, plain: true, start, end: last };
  }

  /** Where a plain scalar ends on its line, blanks behind it left out. */
  #plainEnd(start: number, place: 'block' | 'continued' | 'flow'): number {
    const text = this.#text;
    const first = text.charCodeAt(start);
    if (place !== 'continued') {
      if (first === dash || first === question || first === colon) {
        const second = text.charCodeAt(start + 1);
        if (endsWord(second) || (place === 'flow' && isFlowIndicator(second))) throw unusual;
      } else if (isFlowIndicator(first) || noPlainStart.has(first)) {
        throw unusual;
      }
    }
    let end = start;
    let at = start;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code === space) continue;
      if (code === newline || at >= text.length) break;
      if (code === hash && at > start && text.charCodeAt(at - 1) === space) break;
      if (code === colon) {
        const next = text.charCodeAt(at + 1);
        if (endsWord(next) || (place === 'flow' && isFlowIndicator(next))) {
          if (place === 'continued') throw unusual;
          break;
        }
      }
      if (place === 'flow' && isFlowIndicator(code)) break;
      end = at + 1;
    }
    return end;
  }

  #singleQuoted(): ScalarSyntax {
    const start = this.#at;
    let at = start + 1;
    let doubled = false;
    for (;;) {
      at = this.#text.indexOf("'", at);
      if (at === -1) throw unusual;
      if (this.#text.charCodeAt(at + 1) !== singleQuote) break;
      doubled = true;
      at += 2;
    }
    let text = folded(this.#text.slice(start + 1, at), false);
    if (doubled) text = text.replaceAll("''", "'");
    this.#at = at + 1;
    return { kind: 'scalar', text, plain: false, start, end: this.#at };
  }

  #doubleQuoted(): ScalarSyntax {
    const start = this.#at;
    let at = start + 1;
    let escaped = false;
    for (; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === doubleQuote) break;
      if (at >= this.#text.length) throw unusual;
      if (code === backslash) {
        escaped = true;
        at++;
      }
    }
    let text = folded(this.#text.slice(start + 1, at), escaped);
    if (escaped) {
      text = text.replace(/\\(.)/gs, (_, character: string) => {
        const meant = simpleEscapes[character];
        if (meant === undefined) throw unusual;
        return meant;
      });
    }
    this.#at = at + 1;
    return { kind: 'scalar', text, plain: false, start, end: this.#at };
  }

  #alias(): AliasSyntax {
    const start = this.#at;
    this.#at++;
    while (!endsWord(this.#code()) && !isFlowIndicator(this.#code())) this.#at++;
    const name = this.#text.slice(start + 1, this.#at);
    if (!/^[\w.-]+$/.test(name)) throw unusual;
    return { kind: 'alias', name, start, end: this.#at };
  }

  #blockText(parent: number): ScalarSyntax {
    const start = this.#at;
    const read = blockScalar(this.#text, start, parent);
    if (read === undefined) throw unusual;
    this.#at = read.end;
    return { kind: 'scalar', text: read.text, plain: false, start, end: read.end };
  }

  #flow(): SyntaxNode {
    if (++this.#depth > depthLimit) throw unusual;
    const node = this.#code() === openList ? this.#flowList() : this.#flowMap();
    this.#depth--;
    return node;
  }

  #flowList(): SyntaxNode {
    const start = this.#at++;
    const items: SyntaxNode[] = [];
    for (;;) {
      this.#skipToContent();
      if (this.#code() === closeList) break;
      items.push(this.#flowNode());
      this.#skipToContent();
      if (this.#code() === comma) this.#at++;
      else if (this.#code() !== closeList) throw unusual;
    }
    this.#at++;
    return { kind: 'list', items, start, end: this.#at };
  }

  #flowMap(): SyntaxNode {
    const start = this.#at++;
    const pairs: PairSyntax[] = [];
    for (;;) {
      this.#skipToContent();
      if (this.#code() === closeMap) break;
      const keyStart = this.#at;
      const key = this.#flowNode();
      if (key.kind !== 'scalar' && key.kind !== 'alias') throw unusual;
      if (!this.#isKeyEnd(keyStart)) throw unusual;
      this.#at++;
      this.#skipToContent();
      if (this.#code() === comma || this.#code() === closeMap) throw unusual;
      pairs.push({ key, value: this.#flowNode() });
      this.#skipToContent();
      if (this.#code() === comma) this.#at++;
      else if (this.#code() !== closeMap) throw unusual;
    }
    this.#at++;
    return { kind: 'map', pairs, start, end: this.#at };
  }

  #flowNode(): SyntaxNode {
    const marked = this.#marked();
    if (marked !== undefined) return marked;
    const start = this.#at;
    this.#at = this.#plainEnd(start, 'flow');
    return { kind: 'scalar', text: this.#text.slice(start, this.#at), plain: true, start, end: this.#at };
  }
}

/**
 * Text between quotes over several lines: a line break is a blank, an empty line a line break. Unlike YAML 1.2, libyaml
 * does not mind how far the lines are indented.
 * @param escapes - a backslash keeps a blank at the end of its line; the very last, it joins the line with the next
 */
function folded(text: string, escapes: boolean): string {
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
  while (line.charCodeAt(at) === space) at++;
  return at;
}

function lengthToLastWord(line: string): number {
  let length = line.length;
  while (line.charCodeAt(length - 1) === space) length--;
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

function withProperties(node: SyntaxNode, properties: Properties | undefined): SyntaxNode {
  if (properties === undefined) return node;
  if (node.kind === 'alias') throw unusual;
  return { ...node, ...properties };
}
