import { describe, expect, test } from 'vitest';
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

describe('on a terminal', () => {
  const line = `    healthcheck: { test: 'curl --fail http://localhost:8080/health', interval: 300ms, retries: 2 }`;
  const place = { file: '/srv/shop/compose.yaml', line: 14, column: 18, length: line.length - 17, lineText: line };
  const unhealthy = failure({
    message:
      'service "db" is unhealthy, so service "web" was not started\n  shop-db-1 | cannot open the file of settings',
    at: place,
    hint: 'look at https://example.org/a/page/about/health/checks',
  });
  const shown = (columns: number) => `\n${renderDiagnostic(unhealthy, { ...options, columns })}`;

  test('80 cells', () => {
    expect(shown(80)).toMatchInlineSnapshot(`
      "
      compose.yaml:14:18: service "db" is unhealthy, so service "web" was not started
         14 |     healthcheck: { test: 'curl --fail http://localhost:8080/health', in…
            |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        shop-db-1 | cannot open the file of settings
        hint: look at https://example.org/a/page/about/health/checks   [usage/invalid]"
    `);
  });
  test('60 cells', () => {
    expect(shown(60)).toMatchInlineSnapshot(`
      "
      compose.yaml:14:18: service "db" is unhealthy, so service
        "web" was not started
         14 |     healthcheck: { test: 'curl --fail http://localh…
            |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        shop-db-1 | cannot open the file of settings
        hint: look at
          https://example.org/a/page/about/health/checks
          [usage/invalid]"
    `);
  });
  test('40 cells', () => {
    expect(shown(40)).toMatchInlineSnapshot(`
      "
      compose.yaml:14:18: service "db" is
        unhealthy, so service "web" was not
        started
         14 | …althcheck: { test: 'curl --fai…
            |             ^^^^^^^^^^^^^^^^^^^^
        shop-db-1 | cannot open the file of
          settings
        hint: look at
          https://example.org/a/page/about/health/checks
          [usage/invalid]"
    `);
  });
  test('200 cells change nothing', () => {
    expect(shown(200)).toBe(`\n${renderDiagnostic(unhealthy, options)}`);
  });

  test('the caret stands under its word wherever that is in a long line', () => {
    const words = Array.from({ length: 60 }, (_, index) => `word${index}`);
    const lineText = `\t${words.join(' ')}`;
    for (const columns of [40, 60, 100, 200]) {
      for (const word of words) {
        const column = lineText.indexOf(`${word} `) + 1 || lineText.lastIndexOf(word) + 1;
        const at = { ...place, column, length: word.length, lineText };
        const lines = renderDiagnostic(failure({ at }), { ...options, columns }).split('\n');
        const [source = '', carets = ''] = lines.filter((one) => one.includes(' | '));
        expect(source.length).toBeLessThanOrEqual(columns);
        expect(source.slice(carets.indexOf('^'), carets.length)).toBe(word);
      }
    }
  });
});
