import { expect, test } from 'vitest';
import { renderDiagnostic } from '../../../src/base/diagnostic.js';
import { TscomposeError } from '../../../src/base/errors.js';

const text = 'services:\n  web:\n\tdepends_on: [databse]\n';
const at = { file: '/srv/shop/compose.yaml', line: 3, column: 15, length: 7 };
const options = { source: (file: string) => (file === at.file ? text : undefined), relativeTo: '/srv/shop' };
const failure = (init: Partial<ConstructorParameters<typeof TscomposeError<'usage/invalid'>>[0]>) =>
  new TscomposeError({ code: 'usage/invalid', message: 'service "web" depends on "databse"', facts: {}, ...init });

test('place, message, line with caret, hint and code; tabs keep the caret in place', () => {
  expect(renderDiagnostic(failure({ at, hint: 'did you mean "database"?' }), options)).toBe(
    'compose.yaml:3:15: service "web" depends on "databse"\n' +
      '    3 | \tdepends_on: [databse]\n' +
      '      | \t             ^^^^^^^\n' +
      '  hint: did you mean "database"?   [usage/invalid]',
  );
});

test('a file elsewhere keeps its whole path, one that cannot be read has no excerpt', () => {
  expect(renderDiagnostic(failure({ at: { ...at, file: '/etc/x.yaml' } }), options)).toBe(
    '/etc/x.yaml:3:15: service "web" depends on "databse"\n  [usage/invalid]',
  );
});

test('a place behind the end of the file does no harm', () => {
  expect(renderDiagnostic(failure({ at: { ...at, line: 99 } }), options)).toContain('compose.yaml:99:15: ');
});

test('causes are told once, without stacks', () => {
  const cause = new Error('connect ECONNREFUSED', { cause: new Error('connect ECONNREFUSED') });
  expect(renderDiagnostic(failure({ cause }), options)).toBe(
    'service "web" depends on "databse"\n  because: connect ECONNREFUSED\n  [usage/invalid]',
  );
});

test('several problems follow each other and are counted', () => {
  const inner = failure({ message: 'two' });
  const several = new TscomposeError({
    code: 'problems/several',
    message: '',
    facts: { problems: [failure({ message: 'one' }), inner] },
  });
  const nested = new TscomposeError({ code: 'problems/several', message: '', facts: { problems: [several, inner] } });
  expect(renderDiagnostic(nested, options)).toBe(
    ['one', 'two', 'two'].map((message) => `${message}\n  [usage/invalid]`).join('\n') + '\n3 problems',
  );
});
