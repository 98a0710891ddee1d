import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { substitute, TemplateError, variablesOf } from '../../../src/compose/template.js';

const values: Readonly<Record<string, string>> = { SET: 'value', EMPTY: '', NUM: '8' };

function fill(template: string): string {
  return substitute(template, { lookup: (name) => (Object.hasOwn(values, name) ? values[name] : undefined) });
}

describe('substitute', () => {
  test.each([
    ['$SET', 'value'],
    ['${SET}', 'value'],
    ['a${SET}b$NUM.c', 'avalueb8.c'],
    ['$$SET', '$SET'],
    ['$$$SET', '$value'],
    ['$5 and $ and $', '$5 and $ and $'],
    ['$UNSET|', '|'],
    ['${EMPTY-d}|${UNSET-d}|${SET-d}', '|d|value'],
    ['${EMPTY:-d}|${UNSET:-d}|${SET:-d}', 'd|d|value'],
    ['${EMPTY+a}|${UNSET+a}|${SET+a}', 'a||a'],
    ['${EMPTY:+a}|${UNSET:+a}|${SET:+a}', '||a'],
    ['${SET?m}|${EMPTY?m}|${SET:?m}', 'value||value'],
    ['${UNSET:-${EMPTY:-${SET}}}', 'value'],
    ['${UNSET:-a}${SET:-b} tail }', 'avalue tail }'],
    ['${UNSET-a:-b}', 'a:-b'],
    ['${UNSET:-{"k": 1}}', '{"k": 1}'],
    ['${UNSET:-a b?c+d}', 'a b?c+d'],
    ['${UNSET:-$$x}', '$x'],
  ])('%s becomes %s', (template, filled) => {
    expect(fill(template)).toBe(filled);
  });

  test.each(['${', '${}', '${ SET}', '${a.b}', '${1}', '${SET', '${SET:-a\nb}', '${SET:-${}}'])(
    '%s is malformed',
    (template) => {
      expect(() => fill(template)).toThrow(TemplateError);
    },
  );

  test.each([
    ['${UNSET?}', 'required variable UNSET is missing a value'],
    ['${UNSET?say so}', 'required variable UNSET is missing a value: say so'],
    ['${EMPTY:?no $SET}', 'required variable EMPTY is missing a value: no value'],
    [
      '${SET:-${UNSET?inside an unused default}}',
      'required variable UNSET is missing a value: inside an unused default',
    ],
  ])('%s fails', (template, message) => {
    expect(() => fill(template)).toThrow(message);
  });

  test('unset variables are named, those with a default are not', () => {
    const unset: string[] = [];
    const options = { lookup: () => undefined, onUnset: (name: string) => unset.push(name) };
    substitute('$A ${B} ${C:-x} ${D+y} $$E', options);
    expect(unset).toEqual(['A', 'B']);
  });

  test('any text either fills in or fails with a TemplateError', () => {
    const piece = fc.oneof(
      fc.constantFrom('$', '{', '}', ':', '-', '?', '+', 'SET', '${', '${SET:-'),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          fill(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      }),
    );
  });

  test('a text with every dollar doubled comes back as it was', () => {
    fc.assert(fc.property(fc.string(), (text) => fill(text.replaceAll('$', '$$$$')) === text));
  });
});

test('variablesOf lists every variable with its default, nested ones too', () => {
  expect(variablesOf('$A ${B:-${C:+x}} ${D?m}')).toEqual([
    { name: 'A', defaultValue: '', presenceValue: '', required: false },
    { name: 'B', defaultValue: '${C:+x}', presenceValue: '', required: false },
    { name: 'C', defaultValue: '', presenceValue: 'x', required: false },
    { name: 'D', defaultValue: '', presenceValue: '', required: true },
  ]);
});

test('a long row of expressions and deep nesting take time in proportion, and nesting has an end', () => {
  const options = { lookup: (): undefined => undefined };
  expect(substitute('${A:-x}'.repeat(50_000), options)).toBe('x'.repeat(50_000));
  expect(substitute(`${'${A:-'.repeat(50)}x${'}'.repeat(50)}`, options)).toBe('x');
  expect(() => substitute(`${'${A:-'.repeat(5000)}x${'}'.repeat(5000)}`, options)).toThrow('invalid interpolation');
  expect(() => substitute('${A:-'.repeat(50_000), options)).toThrow('invalid interpolation');
});
