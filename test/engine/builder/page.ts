import { fileURLToPath } from 'node:url';
import { keywords, knownFlags } from '../../../src/engine/builder/dockerfile/parse-instruction.js';
import type { Case } from './case.js';
import { cases } from './cases.js';
import { elsewhere } from './elsewhere.js';
import { moreCases } from './more-cases.js';

export const languagePage = fileURLToPath(new URL('../../../docs/dockerfile.md', import.meta.url));

const head = `# The Dockerfile language

Every instruction, flag and form, each built by a test on the embedded engine: files, config and history of the image, or
the message of the refusal, are held against what is written down. Where the last column says *same*, \`TSCOMPOSE_PEER=1\`
and \`DOCKER_HOST\` make the test build it with the classic builder of that dockerd too, and it fails on any difference;
elsewhere the column says why there is nothing to compare. Written by \`sh scripts/write-dockerfile-page.sh\` after a run
beside dockerd 26.1; a test holds the lines against the cases.

| instruction | form | test | dockerd's classic builder |
|---|---|---|---|
`;

/** The whole page. */
export function renderLanguage(): string {
  const rows = [
    ...[...cases, ...moreCases].map((one) => ({
      form: one.fails === undefined ? one.name : `${one.name} is refused`,
      test: 'cases.test.ts',
      peer: one.notOnPeer ?? 'same',
    })),
    ...elsewhere.map(({ form, test, why }) => ({ form, test, peer: why })),
  ].map(({ form, test, peer }) => ({ subject: subjectOf(form), text: `| ${form} | ${test} | ${peer} |` }));
  const order = ['`.dockerignore`', ...keywords.map((word) => `\`${word}\``), 'all'];
  const sorted = order.flatMap((subject) => rows.filter((row) => row.subject === subject));
  return `${head}${sorted.map(({ subject, text }) => `| ${subject} ${text}`).join('\n')}\n`;
}

/** Instructions and flags that no case uses and no other test is named for. */
export function untested(): string[] {
  const lines = [
    ...[...cases, ...moreCases].filter((one: Case) => one.fails === undefined).flatMap(({ dockerfile }) => dockerfile),
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
