import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasCode } from '../../../src/base/errors.js';
import { parseFullYaml } from '../../../src/compose/full-yaml.js';
import { parsePlainYaml } from '../../../src/compose/plain-yaml.js';
import { Problems } from '../../../src/compose/problems.js';
import { SourceText } from '../../../src/compose/source-text.js';
import type { SyntaxNode } from '../../../src/compose/syntax-tree.js';

const fixtures = new URL('../../../fixtures', import.meta.url).pathname;

/** Where a node ends only decides how long a mark is. */
function withoutEnds(nodes: readonly (SyntaxNode | null)[]): unknown {
  return JSON.parse(JSON.stringify(nodes, (key, value: unknown) => (key === 'end' ? undefined : value)));
}

function full(text: string): { trees: readonly (SyntaxNode | null)[]; faults: readonly string[] } {
  const problems = new Problems();
  const trees = parseFullYaml(new SourceText('compose.yaml', text), problems);
  try {
    problems.throwIfAny();
  } catch (error) {
    if (!hasCode(error, 'problems/several')) return { trees, faults: [String(error)] };
    return { trees, faults: error.facts.problems.map(({ facts }) => JSON.stringify(facts)) };
  }
  return { trees, faults: [] };
}

/** What the quick reader reads, the full parser reads alike; the rest it leaves alone. */
function expectAgreement(text: string): void {
  const quick = parsePlainYaml(text);
  if (quick === undefined) return;
  const { trees, faults } = full(text);
  // Of blanks after the last line of a block text the library makes a line; libyaml and the quick reader do not.
  if (/[|>][^]*\n +$/.test(text)) return;
  // Docker compose lets lines inside brackets and quotes begin anywhere.
  if (faults.some((fault) => /indent/i.test(fault)) && /[[{]/.test(text)) return;
  if (faults.some((fault) => /quote/i.test(fault)) && /(["'])[^]*\n[^]*\1/.test(text)) return;
  if (faults.some((fault) => /comment/i.test(fault)) && /["'\]},[{]#/.test(text)) return;
  expect({ text, faults, trees: withoutEnds(trees) }).toEqual({ text, faults: [], trees: withoutEnds(quick) });
}

const ordinary = [
  'a: b',
  'a: b # comment\n# another\n\nc: "d"\n',
  'a:\n  - b\n  - c: d\n    e: f\n  -\n    g: h\n',
  'a:\n- b\n- - c\n  - d\n',
  'a: [b, "c", \'d\', {e: f, "g": h}]\nb: {}\nc: []\n',
  'a: [\n  b, # comment\n  c,\n]\nd: {e: f,\n  g: h}\n',
  'a: &x b\nc: *x\nd: &y\n  e: f\ng:\n  <<: *y\n  <<: [*y, *y]\n',
  'a: !reset\nb: !override [c]\nd: !!str 1\ne: !reset null\n',
  'a: |\n  one\n  two\n\n   three\nb: >-\n  one\n  two\n\n  three\n   four\n  five\nc: |+\n  x\n\n\nd: |2\n   y\n',
  'a: one\n  two\n\n  three\nb:\n  one\n  two\n',
  'a: http://x:80/y#z\nb: 10:20\nc: -1\nd: ?x\ne: a b  c   # d\n',
  'a: "x\\ty\\n\\"z\\""\nb: \'it\'\'s\'\n',
  'a: "one\n  two\n\n\n  three  \n    \\tfour"\nb: \'one  \n\n  it\'\'s\n  \'\nc: "\n  x"\n',
  'a: ["b\n  c", {d: "e\n  f"}]\n',
  'a:\nb: \nc: # nothing\n  # still\nd: ~\n',
  '--- # document\na: b\n',
  '',
  '# only a comment',
  'just text',
  '- a\n- b',
  '"a": b\n\'c\': d\n1: e\n',
  'a: |\n  one\n  \ttwo\n#\tc\nb: "c\td"\n',
  'a: "one\t\n\t\n  \ttwo"\n',
  'a: {b: , c: }\nd: {e: # f\n  , g:\n  }\n',
  'a: [\n\tb,\t# c\n\t\n\t{c: d,\t"e": f}\n  ]\n',
  'a: &x\n  - b\n&y c: d\n',
  '# a\n---\na: |\n  b\n\n---\n\n- c\n--- # d\ne: "f"\n',
];

const tricky = [
  'a:\n  b\n c: d\n', 'a: b: c\n', 'a: [b\n', 'a: {b\n', 'a: "b\n', "a: 'b\n", 'a: b\n  c: d\n', 'a:\n  - b\n c\n', '? a\n: b\n',
  'a: *x', 'a: &x *y', 'a: |1\n  b\n', 'a: |\n  b\n c\n', 'a: @b\n', 'a: `b`\n', 'a: %b\n', '%YAML 1.2\n---\na: b\n', 'a: b\n---\n', '---\n---\na: b\n', 'a: "b\n---\nc"\n', 'a: b\n---c\n', 'a: b\n--- c\n', 'a: b\n---',
  'a: b\n...\n', 'a:\tb\n', '\ta: b\n', 'a: b\r\nc: d\r\n', '[a: b]', '{a: b, c}', '{a, b: }', '{"a":b}', '[a, , b]', '- - - a\n  - b\n', 'a: - b\n',
  'a:\n  - b\n  c: d\n', '- a\nb: c\n', 'a: [b]c\n', 'a: "b"c\n', 'a: #b\n', 'a:#b\n', '#\n a: b\n', ' a: b\nc: d\n', 'a: >\n\n\n  b\n\n\n', 'a: |-',
  'a: !reset !x b', 'a: &x &y b', 'a: !reset\n  b: c\n', 'a: [b,\nc]\n', 'a: x\n# c\n  y\n', '{a: b\n}', 'a: |\n\n  b\n    c\n', 'a: |   \n  b',
  'a : b\n', '"a" : b', '*x : b\n', 'a: &x\nb: *x\n', '!reset a: b\n', 'a: "b" # c\n  "d"\n', '-\n- a\n-\n', 'a: ""\nb: \'\'\n', ':a: b\n', '-a: b\n', 'a: b #c\n d\n',
]; // prettier-ignore

test.each(ordinary)('what people write is read quickly: %j', (text) => {
  expect(parsePlainYaml(text) === undefined).toBe(text.includes('&y c'));
  expectAgreement(text);
});

test.each([
  ['a:\n  b: "one\n  two\n\nthree"\n', 'one two\nthree'],
  ["a:\n  b: 'one\n  two'\n", 'one two'],
  ['a:\n  b: "one \\\n  two\\\nthree"\n', 'one twothree'],
  ['a:\n  b: "one  \\\n  \\  two\\\n\n three"\n', 'one    two\nthree'],
  ['a:\n  b: "one \\  \n two\\\\\n three"\n', 'one   two\\ three'],
  ['a:\n  b: "one\n  \\\n two"\n', 'one two'],
  ["a:\n  b: 'one \\\n  two'\n", 'one \\ two'],
])('lines between quotes may begin anywhere, as in libyaml: %j', (text, expected) => {
  expect(JSON.stringify(parsePlainYaml(text))).toContain(JSON.stringify(expected));
});

test.each(['a: "b"#c', "a: 'b'#c", 'a: [b]#c', 'a: [#c\nb]', 'a: [b,#c\n]', 'a: {b: "c"#d\n}'])(
  'a comment needs a blank before it only behind a plain text, as in libyaml: %j',
  (text) => {
    expect(JSON.stringify(parsePlainYaml(text))).toMatch(/"text":"[bc]"/);
  },
);

test.each([
  ['a: b\n\t\nc: d\n', true],
  ['a: "b"\n   \t# c\nd: e\n', true],
  ['a:\n  b: c\n  \t\nd: e\n', true],
  ['a:\n  b: c\n   \t\nd: e\n', false], // the text might go on there
  ['a:\n  b: c # d\n   \t\ne: f\n', true],
  ['a: |\n  b\n \t\n  c\n', true],
  ['a: |\n  b\n  \t\n  c\n', false],
  ['a: |\n  \tb\n', true],
  ['a: |2\n  \tb\n', false],
  ['a: [b,\n\t\n c]\n', false],
  ['a: "b\n\t\n c"\n', false],
  ['a: *b\n\t\n', true],
  ['a: b\n---\nc: d\n\t\n', true],
])(
  'a tab at the beginning of an empty line, or of a block text, is refused where libyaml refuses it: %j',
  (text, wrong) => {
    const refused = parsePlainYaml(text) === undefined && full(text).faults.length > 0;
    expect(refused).toBe(wrong);
  },
);

test('a document behind the end of another begins with a mark of its own', () => {
  expect(full('a: b\n...\nc: d\n').faults).toEqual([expect.stringContaining('begins with')]);
  expect(full('a: b\n...\n---\nc: d\n...\n# e\n').faults).toEqual([]);
});

test.each(tricky)('a text is read as the full parser reads it, or left to that: %j', expectAgreement);

test('files of the fixtures are read as the full parser reads them', () => {
  const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file));
  expect(files.length).toBeGreaterThan(20);
  for (const file of files) expectAgreement(readFileSync(join(fixtures, file), 'utf8'));
});

test('any text made of the parts of YAML is read as the full parser reads it, or left to that', () => {
  const part = fc.constantFrom(
    'a', 'b', 'key', ': ', ':', '- ', '-', '\n', '\n  ', '\n    ', ' ', '  ', '[', ']', '{', '}', ', ', ',', '"', "'", '#', ' # ', '&x ', '*x', '!reset ', '|', '>',
    '|-', '>+', '|2', '\\', '\\n', '<<', '?', '? ', '%', '@', '~', 'a: ', 'b: ', '\n- ', '\na: ', '\nb: ', '\n  a: ', '\n  - ', '---', '\n---\n', '...', '!!str ', '\t', '\n\t',
  ); // prettier-ignore
  const text = fc.array(part, { maxLength: 24 }).map((parts) => parts.join(''));
  fc.assert(fc.property(text, expectAgreement), { numRuns: Number(process.env['TSCOMPOSE_FUZZ'] ?? 3000) });
});
