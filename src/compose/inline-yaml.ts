import { foldedText, withoutEscapes } from './quoted-text.js';
import type { AliasSyntax, PairSyntax, ScalarSyntax, SyntaxNode } from './syntax-tree.js';
import {
  asterisk,
  backslash,
  closeList,
  closeMap,
  colon,
  comma,
  dash,
  doubleQuote,
  endsWord,
  hash,
  isBlank,
  isFlowIndicator,
  newline,
  openList,
  openMap,
  question,
  singleQuote,
  space,
  tab,
} from './yaml-characters.js';

/** Thrown at anything out of the ordinary; never leaves `parsePlainYaml`. */
export const unusual = new Error('bug: an unusual YAML file was not left to the full parser');

/** Deeper files go to the full parser, which reports depth. */
export const depthLimit = 100;

/** What a plain scalar cannot begin with, besides what flow collections are made of. */
const noPlainStart = new Set(Array.from('#&*!|>\'"%@`', (character) => character.charCodeAt(0)));

/** Reads what does not depend on indentation: scalars, aliases and flow collections, where {@link at} stands. */
export class InlineYaml {
  protected readonly text: string;
  protected at = 0;
  protected depth = 0;
  constructor(text: string) {
    this.text = text;
  }

  protected code(offset = 0): number {
    return this.text.charCodeAt(this.at + offset);
  }

  protected column(): number {
    return this.at - this.text.lastIndexOf('\n', this.at - 1) - 1;
  }

  protected skipBlanks(): void {
    while (this.code() === space) this.at++;
  }

  protected skipComment(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end === -1 ? this.text.length : end;
  }

  /**
   * To the next thing that is no blank, line break or comment. Never behind a plain scalar that a `#` would belong to:
   * elsewhere none needs a blank before it (libyaml).
   * @param flow - within brackets, where a tab is a blank
   */
  protected skipToContent(flow?: 'in brackets'): void {
    for (;;) {
      const code = this.code();
      if (code === space || code === newline || (code === tab && flow !== undefined)) this.at++;
      else if (code === hash) this.skipComment();
      else return;
    }
  }

  /** At the colon behind a key that began at `start`, on the same line. */
  protected isKeyEnd(start: number): boolean {
    let at = this.at;
    while (this.text.charCodeAt(at) === space) at++;
    if (this.text.charCodeAt(at) !== colon || !endsWord(this.text.charCodeAt(at + 1))) return false;
    if (at - start > 1000 || this.text.lastIndexOf('\n', at) > start) throw unusual;
    this.at = at;
    return true;
  }

  /** A scalar, an alias or a flow collection; a plain scalar may go on over the following lines, `parent` deep or more. */
  protected scalarLine(parent: number): SyntaxNode {
    return this.#marked() ?? this.#plain(parent);
  }

  /** What its first character tells: a quoted scalar, an alias, a flow collection; undefined for a plain scalar. */
  #marked(): SyntaxNode | undefined {
    switch (this.code()) {
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
    const start = this.at;
    const end = this.#plainEnd(start, 'block');
    this.at = end;
    let text = this.text.slice(start, end);
    let last = end;
    let breaks = 0;
    // More lines: folded, an empty one stands for a line break.
    for (let at = end; ;) {
      while (this.text.charCodeAt(at) === space) at++;
      if (this.text.charCodeAt(at) === newline) {
        breaks++;
        at++;
        continue;
      }
      if (breaks === 0 || at >= this.text.length) break;
      const column = at - this.text.lastIndexOf('\n', at - 1) - 1;
      if (column <= parent || this.text.charCodeAt(at) === hash) break;
      const lineEnd = this.#plainEnd(at, 'continued');
      text += (breaks === 1 ? ' ' : '\n'.repeat(breaks - 1)) + this.text.slice(at, lineEnd);
      breaks = 0;
      at = last = lineEnd;
    }
    this.at = last;
    return { kind: 'scalar', text, plain: true, start, end: last };
  }

  /** Where a plain scalar ends on its line, blanks behind it left out. */
  #plainEnd(start: number, place: 'block' | 'continued' | 'flow'): number {
    const text = this.text;
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
      if (code === tab) throw unusual;
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
    const start = this.at;
    let at = start + 1;
    let doubled = false;
    for (;;) {
      at = this.text.indexOf("'", at);
      if (at === -1) throw unusual;
      if (this.text.charCodeAt(at + 1) !== singleQuote) break;
      doubled = true;
      at += 2;
    }
    let text = foldedText(this.text.slice(start + 1, at), false);
    if (doubled) text = text.replaceAll("''", "'");
    this.at = at + 1;
    return { kind: 'scalar', text, plain: false, start, end: this.at };
  }

  #doubleQuoted(): ScalarSyntax {
    const start = this.at;
    let at = start + 1;
    let escaped = false;
    for (; ; at++) {
      const code = this.text.charCodeAt(at);
      if (code === doubleQuote) break;
      if (at >= this.text.length) throw unusual;
      if (code === backslash) {
        escaped = true;
        at++;
      }
    }
    let text = foldedText(this.text.slice(start + 1, at), escaped);
    if (escaped) {
      const plain = withoutEscapes(text);
      if (plain === undefined) throw unusual;
      text = plain;
    }
    this.at = at + 1;
    return { kind: 'scalar', text, plain: false, start, end: this.at };
  }

  #alias(): AliasSyntax {
    const start = this.at;
    this.at++;
    while (!endsWord(this.code()) && !isFlowIndicator(this.code())) this.at++;
    const name = this.text.slice(start + 1, this.at);
    if (!/^[\w.-]+$/.test(name)) throw unusual;
    return { kind: 'alias', name, start, end: this.at };
  }

  #flow(): SyntaxNode {
    if (++this.depth > depthLimit) throw unusual;
    const node = this.code() === openList ? this.#flowList() : this.#flowMap();
    this.depth--;
    return node;
  }

  #flowList(): SyntaxNode {
    const start = this.at;
    const items: SyntaxNode[] = [];
    this.#flowEntries(closeList, () => items.push(this.#flowNode()));
    return { kind: 'list', items, start, end: this.at };
  }

  #flowMap(): SyntaxNode {
    const start = this.at;
    const pairs: PairSyntax[] = [];
    this.#flowEntries(closeMap, () => {
      const keyStart = this.at;
      const key = this.#flowNode();
      if (key.kind !== 'scalar' && key.kind !== 'alias') throw unusual;
      if (!this.isKeyEnd(keyStart)) throw unusual;
      this.at++;
      while (isBlank(this.code())) this.at++;
      const empty = this.at;
      this.skipToContent('in brackets');
      const isEmpty = this.code() === comma || this.code() === closeMap;
      pairs.push({ key, value: isEmpty ? emptyScalar(empty) : this.#flowNode() });
    });
    return { kind: 'map', pairs, start, end: this.at };
  }

  /** From the opening bracket to behind the closing one. */
  #flowEntries(close: number, readOne: () => void): void {
    this.at++;
    for (;;) {
      this.skipToContent('in brackets');
      if (this.code() === close) break;
      readOne();
      this.skipToContent('in brackets');
      if (this.code() === comma) this.at++;
      else if (this.code() !== close) throw unusual;
    }
    this.at++;
  }

  #flowNode(): SyntaxNode {
    const marked = this.#marked();
    if (marked !== undefined) return marked;
    const start = this.at;
    this.at = this.#plainEnd(start, 'flow');
    return { kind: 'scalar', text: this.text.slice(start, this.at), plain: true, start, end: this.at };
  }
}

/** A value left out. */
export function emptyScalar(at: number): ScalarSyntax {
  return { kind: 'scalar', text: '', plain: true, start: at, end: at };
}
