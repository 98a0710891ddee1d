import { fileURLToPath } from 'node:url';
import { attributesElsewhere, fieldsElsewhere } from './coverage.js';
import { type Entry, nameOf } from './entry.js';

export const conformancePage = fileURLToPath(new URL('../../../docs/conformance.md', import.meta.url));

export type Result = 'holds' | 'differs' | 'fails';
export type EngineName = 'embedded' | 'dockerd';

const introduction = `# Conformance

What each attribute of a Compose file, and each member of a request to create a container, does **inside** a container:
every line is a test that brings a container up, by the same loader, planner and executor as \`tscompose up\`, and looks
at /proc, control groups, mounts, links, names and files from within. The last column is a real dockerd under the same
tests. Written by \`sh scripts/write-conformance.sh\`; a test holds the lines against the entries.
`;

/** The page: one line for each entry, and the reasons where a dockerd differs. */
export function renderTable(
  entries: readonly Entry[],
  resultOf: (engine: EngineName, entry: Entry) => Result | undefined,
): string {
  const rows = entries.map((entry) => {
    const shown = (engine: EngineName) => resultOf(engine, entry) ?? `needs ${entry.missing?.() ?? 'a run'}`;
    return `| ${cell(code(entry.attribute))} | ${cell(entry.fields.map(code).join(' '))} | ${cell(entry.effect)} | ${shown('embedded')} | ${shown('dockerd')} |`;
  });
  const differences = entries.flatMap((entry) =>
    entry.peer === undefined ? [] : [`- ${code(entry.attribute)} ${entry.effect}: ${entry.peer.because}`],
  );
  return [
    introduction,
    '| attribute | member | effect in the container | tscompose | dockerd 26.1 |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '## Where dockerd differs',
    '',
    ...differences,
    '',
    '## What changes nothing inside',
    '',
    ...Object.entries({ ...attributesElsewhere, ...fieldsElsewhere }).map(([name, who]) => `- ${code(name)}: ${who}`),
    '',
  ].join('\n');
}

/** The lines of a page that come from the entries alone, without results. */
export function linesOf(page: string): string[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, 4)
        .join('|')
        .trim(),
    );
}

export function expectedLines(entries: readonly Entry[]): string[] {
  return linesOf(renderTable(entries, () => 'holds'));
}

/** Entries that share a name. */
export function repeated(entries: readonly Entry[]): string[] {
  const names = entries.map(nameOf);
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function code(text: string): string {
  return text === '-' ? '–' : `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
