import type { ErrorCode as YamlErrorCode, YAMLError } from 'yaml';
import type { ErrorInit } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import type { SourceText } from './source-text.js';

interface Wording {
  readonly problem: string;
  readonly hint?: string;
}

const tabAsIndent: Wording = { problem: 'a tab is used for indentation', hint: 'YAML indents with spaces only' };

/** The slips people make most, said in words that help; the library's own message serves for the rest. */
const wordings: Partial<Record<YamlErrorCode, Wording>> = {
  BLOCK_AS_IMPLICIT_KEY: {
    problem: 'a second "key: value" starts inside a value',
    hint: 'put it on its own line, or quote the value if the colon belongs to the text',
  },
  TAB_AS_INDENT: tabAsIndent,
  MULTILINE_IMPLICIT_KEY: { problem: 'expected "key: value"', hint: 'is a colon or a blank after it missing?' },
  BAD_SCALAR_START: {
    problem: 'a value cannot start with this character',
    hint: 'put the value in quotes',
  },
  UNEXPECTED_TOKEN: {
    problem: 'the value before this has ended, and nothing separates the two',
    hint: 'quote a value that has quotes, braces or brackets in it; a comma goes between members in braces or brackets',
  },
  BAD_ALIAS: { problem: 'an alias or anchor has no valid name' },
  BAD_INDENT: {
    problem: 'the indentation does not fit the lines above',
    hint: 'members of one mapping or list start at the same column',
  },
};

export function describeSyntaxError(error: YAMLError, source: SourceText): ErrorInit<'compose/yaml-syntax'> {
  // The parser recurses and turns an exhausted stack into an error of its own.
  const tooDeep = /call stack/i.test(error.message);
  const wording = tooDeep ? { problem: 'nested too deep to be read' } : wordings[error.code];
  const quote = /^Missing closing ["']quote/.test(error.message)
    ? openedQuote(source.text, error.message.charAt(16))
    : undefined;
  const [start, end] = quote ?? error.pos;
  const problem =
    quote !== undefined
      ? 'a quote is opened and never closed'
      : (wording?.problem ?? `the file is not valid YAML: ${lowerFirst(error.message)}`);
  return {
    code: 'compose/yaml-syntax',
    message: problem,
    facts: { problem: error.message },
    hint: wording?.hint,
    at: source.locate(Math.min(start, source.text.length), Math.min(end, source.text.length)),
  };
}

export function describeStrayTab(at: SourceLocation): ErrorInit<'compose/yaml-syntax'> {
  const { problem, hint } = tabAsIndent;
  return { code: 'compose/yaml-syntax', message: problem, facts: { problem }, hint, at };
}

/** The last quote of the first line that holds an odd number of them: most likely the one that was left open. */
function openedQuote(text: string, quote: string): readonly [number, number] | undefined {
  let lineStart = 0;
  for (const line of text.split('\n')) {
    const bare = line.replace(/\\./g, '  ');
    if (bare.split(quote).length % 2 === 0) {
      const at = lineStart + bare.lastIndexOf(quote);
      return [at, lineStart + line.trimEnd().length];
    }
    lineStart += line.length + 1;
  }
  return undefined;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
