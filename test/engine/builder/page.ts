import { fileURLToPath } from 'node:url';
import { keywords, knownFlags } from '../../../src/engine/builder/dockerfile/parse-instruction.js';
import { behaviours } from './behaviours.js';
import type { Case } from './case.js';
import { elsewhere } from './elsewhere.js';
import { allCases } from './language/index.js';

export const languagePage = fileURLToPath(new URL('../../../docs/dockerfile.md', import.meta.url));

const head = `# The Dockerfile language

Every instruction, flag and form, each built by a test on the embedded engine: files, config and history of the image, or
the message of the refusal, are held against what is written down. Where a column says *same*, \`TSCOMPOSE_PEER=1\` and
\`DOCKER_HOST\` make the test build it with that builder of a dockerd too, and it fails on any difference: the classic
builder in files, config, history and message, BuildKit (which the docker CLI reaches by its plugin buildx) in files and
config, and in refusing. Elsewhere the column says what differs or why there is nothing to compare. What images *do*, run
with docker's own defaults, is in the second table. Written by \`sh scripts/write-dockerfile-page.sh\` after a run beside
dockerd 26.1; a test holds the lines against the cases.

| instruction | form | test | classic builder | BuildKit |
|---|---|---|---|---|
`;

const doingsHead = `
## What the images do

Each is built and run by a test: what it writes, its exit code and, where one is sent, what a signal does to it.

| image | test | classic builder | BuildKit |
|---|---|---|---|
`;

/** The whole page. */
export function renderLanguage(): string {
  const rows = [
    ...allCases.map((one) => ({
      form: one.fails === undefined ? one.name : `${one.name} is refused`,
      test: 'cases.test.ts',
      classic: one.notOnClassic ?? 'same',
      buildKit: one.notOnBuildKit ?? 'same',
    })),
    ...elsewhere.map(({ form, test, why }) => ({ form, test, classic: why, buildKit: why })),
  ].map(({ form, test, classic, buildKit }) => ({
    subject: subjectOf(form),
    text: `| ${cell(form)} | ${test} | ${classic} | ${buildKit} |`,
  }));
  const order = ['`.dockerignore`', ...keywords.map((word) => `\`${word}\``), 'all'];
  const sorted = order.flatMap((subject) => rows.filter((row) => row.subject === subject));
  const language = sorted.map(({ subject, text }) => `| ${subject} ${text}\n`).join('');
  const doings = behaviours.map(
    ({ name, notOnClassic, notOnBuildKit }) =>
      `| ${cell(name)} | behaviour.test.ts | ${notOnClassic ?? 'same'} | ${notOnBuildKit ?? 'same'} |\n`,
  );
  return `${head}${language}${doingsHead}${doings.join('')}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** Instructions and flags that no case uses and no other test is named for. */
export function untested(): string[] {
  const lines = [
    ...allCases.filter((one: Case) => one.fails === undefined).flatMap(({ dockerfile }) => dockerfile),
    ...elsewhere.map(({ form }) => form),
  ];
  return keywords.flatMap((keyword) => [
    ...(lines.some((line) => line.startsWith(`${keyword} `)) ? [] : [keyword]),
    ...(knownFlags[keyword] ?? [])
      .filter((flag) => !lines.some((line) => new RegExp(`^${keyword} .*--${flag}\\b`).test(line)))
      .map((flag) => `${keyword} --${flag}`),
  ]);
}

function subjectOf(form: string): string {
  const word = form.split(/[ ,]/).find((part) => part === '.dockerignore' || (keywords as string[]).includes(part));
  if (form === 'a target' || form.startsWith('stages ')) return '`FROM`';
  return word === undefined ? 'all' : `\`${word}\``;
}
