import { describe, expect, test } from 'vitest';
import { hasCode } from '../../../../src/base/errors.js';
import { parseIgnore } from '../../../../src/base/ignore-rules.js';
import { parseDockerfile } from '../../../../src/engine/builder/dockerfile/parse.js';
import { lintDockerfile } from '../../../../src/engine/builder/lint/lint-dockerfile.js';
import { rules } from '../../../../src/engine/builder/lint/rules.js';

const ignored = parseIgnore('*.log\nbuild\nkept\n!kept/this\n');

/** Rule, place and message of everything found; a stage without its FROM gets one. */
function lint(...lines: string[]): string[] {
  return [...report(...lines).warnings].map(({ rule, at, message }) => `${at.line}:${at.column} ${rule}: ${message}`);
}

function report(...lines: string[]) {
  return lintDockerfile(parseDockerfile(`${lines.join('\n')}\n`, 'Dockerfile'), {
    variablesOf: (image) => (image === 'known' ? ['PATH', 'FROM_BASE'] : undefined),
    leavesOut: (path) => path !== '' && ignored.ignores(path) && ignored.prunes(path),
    isReference: (text) => /^[a-z0-9][a-z0-9./_:@-]*$/.test(text),
  });
}

const examples: readonly (readonly [
  rule: keyof typeof rules,
  bad: readonly string[],
  place: string,
  good: readonly string[],
])[] = [
  ['StageNameCasing', ['FROM known AS Base'], '1:15', ['FROM known AS base']],
  ['FromAsCasing', ['FROM known as base'], '1:11', ['FROM known AS base']],
  ['FromAsCasing', ['from known AS base'], '1:11', ['from known as base']],
  ['NoEmptyContinuation', ['FROM known', 'RUN a && \\', '', '  b'], '3:1', ['FROM known', 'RUN a && \\', '# c', '  b']],
  ['ConsistentInstructionCasing', ['FROM known', 'run a', 'RUN b'], '2:1', ['from known', 'run a']],
  ['ConsistentInstructionCasing', ['FROM known', 'Run a', 'RUN b'], '2:1', ['FROM known', 'RUN a']],
  ['DuplicateStageName', ['FROM known AS a', 'FROM known AS a'], '2:15', ['FROM known AS a', 'FROM known AS b']],
  ['ReservedStageName', ['FROM known AS scratch'], '1:15', ['FROM known AS scratch-base']],
  ['ReservedStageName', ['FROM known AS context'], '1:15', ['FROM known']],
  ['JSONArgsRecommended', ['FROM known', 'CMD a b'], '2:1', ['FROM known', 'CMD ["a", "b"]']],
  [
    'JSONArgsRecommended',
    ['FROM known', 'ENTRYPOINT a b'],
    '2:1',
    ['FROM known', 'SHELL ["sh", "-ec"]', 'ENTRYPOINT a b'],
  ],
  [
    'MaintainerDeprecated',
    ['FROM known', 'MAINTAINER me'],
    '2:1',
    ['FROM known', 'LABEL org.opencontainers.image.authors=me'],
  ],
  [
    'UndefinedArgInFrom',
    ['ARG VERSION=1', 'FROM known:${VERSOIN:-2}${VERSOIN}'],
    '2:1',
    ['ARG VERSION=1', 'FROM known:$VERSION'],
  ],
  ['UndefinedArgInFrom', ['FROM --platform=$WHERE known'], '1:1', ['FROM --platform=$BUILDPLATFORM known']],
  ['WorkdirRelativePath', ['FROM known', 'WORKDIR app'], '2:1', ['FROM known', 'WORKDIR /srv', 'WORKDIR app']],
  [
    'WorkdirRelativePath',
    ['FROM known AS a', 'FROM a', 'WORKDIR app'],
    '3:1',
    ['FROM known AS a', 'WORKDIR /x', 'FROM a', 'WORKDIR app'],
  ],
  ['UndefinedVar', ['FROM known', 'COPY $SRC /x'], '2:1', ['FROM known', 'ARG SRC', 'COPY $SRC /x']],
  ['UndefinedVar', ['FROM known', 'ENV A=$B'], '2:1', ['FROM known', 'ENV A=${B:-x} P=$PATH:/x Q=$FROM_BASE']],
  ['UndefinedVar', ['FROM known AS a', 'ARG V=1', 'FROM known', 'LABEL v=$V'], '4:1', ['FROM elsewhere', 'LABEL v=$V']],
  [
    'UndefinedVar',
    ['FROM known', 'USER $WHO'],
    '2:1',
    ['FROM known', "ENV WHO=x A='$NOT'", 'USER $WHO', 'RUN echo $SHELL_VARIABLE'],
  ],
  [
    'MultipleInstructionsDisallowed',
    ['FROM known', 'CMD ["a"]', 'CMD ["b"]'],
    '2:1',
    ['FROM known AS a', 'CMD ["a"]', 'FROM a', 'CMD ["b"]'],
  ],
  ['LegacyKeyValueFormat', ['FROM known', 'ENV A b c'], '2:1', ['FROM known', 'ENV A="b c"']],
  ['LegacyKeyValueFormat', ['FROM known', 'LABEL a b'], '2:1', ['FROM known', 'LABEL "a b"=c']],
  [
    'RedundantTargetPlatform',
    ['FROM --platform=$TARGETPLATFORM known'],
    '1:6',
    ['FROM --platform=$BUILDPLATFORM known'],
  ],
  [
    'SecretsUsedInArgOrEnv',
    ['FROM known', 'ARG GITHUB_TOKEN'],
    '2:5',
    ['FROM known', 'ARG TOKENIZER', 'ENV PUBLIC_KEY=x'],
  ],
  [
    'SecretsUsedInArgOrEnv',
    ['FROM known', 'ENV A=1 db_password=x'],
    '2:9',
    ['FROM known', 'ENV PASSWORD_FILE=/run/secrets/x'],
  ],
  ['InvalidDefaultArgInFrom', ['ARG IMAGE', 'FROM $IMAGE'], '2:1', ['ARG IMAGE=known', 'FROM $IMAGE']],
  ['InvalidDefaultArgInFrom', ['ARG TAG', 'FROM known:${TAG}!'], '2:1', ['ARG TAG', 'FROM known:${TAG:-1}']],
  [
    'FromPlatformFlagConstDisallowed',
    ['FROM --platform=linux/arm64 known'],
    '1:6',
    ['FROM --platform=linux/arm64 known AS build-arm64'],
  ],
  ['CopyIgnoredFile', ['FROM known', 'COPY a b.log /x/'], '2:8', ['FROM known', 'COPY a kept /x/']],
  [
    'CopyIgnoredFile',
    ['FROM known', 'ADD ./build/ /x/'],
    '2:5',
    ['FROM known AS a', 'FROM known', 'COPY --from=a build /x/'],
  ],
  [
    'InvalidDefinitionDescription',
    ['# check=experimental=all', '', '# what it is', 'FROM known AS a'],
    '4:1',
    [
      '# check=experimental=all',
      '',
      '# a what it is',
      'FROM known AS a',
      '# VERSION of it',
      'ARG VERSION=1',
      '# a comment',
      '',
      'ARG OTHER=1',
    ],
  ],
  ['ExposeProtoCasing', ['FROM known', 'EXPOSE 80/TCP'], '2:8', ['FROM known', 'EXPOSE 80/tcp']],
  ['ExposeInvalidFormat', ['FROM known', 'EXPOSE 127.0.0.1:80:80'], '2:8', ['FROM known', 'EXPOSE 80-90']],
];

test.each(examples)('%s is found in %j at %s, and nothing in %j', (rule, bad, place, good) => {
  const found = lint(...bad).filter((line) => line.includes(` ${rule}: `));
  expect(found.map((line) => line.split(' ')[0])).toEqual([place]);
  expect(lint(...good)).toEqual([]);
});

test('every check has an example', () => {
  expect(new Set(examples.map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)));
});

test('a misspelled name is told with the one that is probably meant', () => {
  expect(lint('ARG VERSION=1', 'FROM known:$VERSOIN')).toEqual([
    "2:1 UndefinedArgInFrom: FROM argument 'VERSOIN' is not declared (did you mean VERSION?)",
  ]);
  expect(lint('FROM known', 'ENV A=$FROM_BSAE')).toEqual([
    "2:1 UndefinedVar: Usage of undefined variable '$FROM_BSAE' (did you mean $FROM_BASE?)",
  ]);
});

describe('the check directive', () => {
  const lines = ['FROM known', 'MAINTAINER me', 'CMD a'];

  test('leaves out the checks it names, or all', () => {
    expect(lint(...lines)).toHaveLength(2);
    expect(lint('# check=skip=MaintainerDeprecated', ...lines)).toEqual([
      expect.stringContaining('JSONArgsRecommended'),
    ]);
    expect(lint('# check=skip=MaintainerDeprecated, JSONArgsRecommended', ...lines)).toEqual([]);
    expect(lint('# syntax=x', '# check=skip=all', ...lines)).toEqual([]);
  });

  test('makes them fail the build', () => {
    expect(report(...lines).asError).toBe(false);
    expect(report('# check=error=true', ...lines).asError).toBe(true);
    const both = report('# check=skip=JSONArgsRecommended;error=true', ...lines);
    expect([both.asError, both.warnings.length]).toEqual([true, 1]);
  });

  test.each(['nope=1', 'error=perhaps', 'skip'])('%s is refused', (text) => {
    let error: unknown;
    try {
      lint(`# check=${text}`, ...lines);
    } catch (caught) {
      error = caught;
    }
    expect(hasCode(error, 'build/syntax') && error.at?.line).toBe(1);
  });
});
