import { expect, test } from 'vitest';
import { TscomposeError } from '../../../src/base/errors.js';
import { ciHost } from '../../../src/cli/ci/ci-host.js';
import { junitReport } from '../../../src/cli/ci/junit.js';
import type { OutputStream } from '../../../src/cli/terminal.js';

function screen(): { readonly stream: OutputStream; readonly text: () => string } {
  let text = '';
  const stream = {
    write: (piece: string) => {
      text += piece;
      return true;
    },
  } as OutputStream;
  return { stream, text: () => text };
}

const failure = new TscomposeError({
  code: 'usage/invalid',
  message: 'service "db", 100% broken\n  because: of it',
  facts: {},
  at: { file: '/src/compose.yaml', line: 7, column: 3 },
});

test('GitHub gets groups, and failures beside their lines, with its separators escaped', () => {
  const { stream, text } = screen();
  const host = ciHost(stream, { GITHUB_ACTIONS: 'true' });
  host.beginGroup('start');
  host.endGroup();
  host.annotate(failure, 'a,b:c.yaml');
  host.annotate(failure, undefined);
  expect(text().split('\n')).toEqual([
    '::group::start',
    '::endgroup::',
    '::error file=a%2Cb%3Ac.yaml,line=7,col=3,title=service "db"%2C 100%25 broken::service "db", 100%25 broken%0A  because: of it',
    '::error title=service "db"%2C 100%25 broken::service "db", 100%25 broken%0A  because: of it',
    '',
  ]);
});

test('GitLab gets sections with names of their own', () => {
  const { stream, text } = screen();
  const host = ciHost(stream, { GITLAB_CI: 'true' });
  host.beginGroup('take down');
  host.endGroup();
  expect(text().replaceAll(/:\d+:/g, ':N:').replaceAll('\u001b[0K', '<K>')).toBe(
    '<K>section_start:N:tscompose_take_down\r<K>take down\n<K>section_end:N:tscompose_take_down\r<K>\n',
  );
});

test('a JUnit report counts, escapes, and has no character that XML forbids', () => {
  const report = junitReport('a "b"', [
    { name: 'images', seconds: 1.25, failure: undefined },
    { name: 'tests', seconds: 0.5, failure: { message: 'x < y & z', text: 'line\n\u001b[31mred\u0000' } },
  ]);
  expect(report).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="tscompose" tests="2" failures="1" time="1.750">
  <testsuite name="a &quot;b&quot;" tests="2" failures="1" time="1.750">
    <testcase classname="a &quot;b&quot;" name="images" time="1.250"/>
    <testcase classname="a &quot;b&quot;" name="tests" time="0.500">
      <failure message="x &lt; y &amp; z">line&#10;\ufffd[31mred\ufffd</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
});
