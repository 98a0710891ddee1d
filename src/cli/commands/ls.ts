import type { ContainerSummary } from '../../api/container.js';
import { composeLabels } from '../../api/labels.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { compare, serviceOf } from '../containers.js';
import { flag, list, textOr } from '../flags.js';
import { renderTable, type TableColumn } from '../render/table.js';

export const lsCommand = defineCommand({
  usage: '',
  flags: {
    all: flag('Projects with only stopped containers too', { short: 'a' }),
    filter: list('Only projects whose name matches: name=REGEX', { placeholder: 'KEY=VALUE' }),
    format: textOr('table', 'table or json', { placeholder: 'FORMAT', choices: ['table', 'json'] }),
    quiet: flag('Only names', { short: 'q' }),
  },
  relayable: () => true,
  run: async ({ flags, context }) => {
    const patterns = flags.filter.map(namePattern);
    const client = await context.engine();
    const label = [composeLabels.project, composeLabels.configHash];
    const containers = await client.containers.list({ all: flags.all, filters: { label } }, context.signal);
    const byProject = groupByProject(containers);
    const rows = [...byProject]
      .filter(([name]) => patterns.every((pattern) => pattern.test(name)))
      .sort(([a], [b]) => compare(a, b))
      .map(([name, members]) => ({
        row: { Name: name, Status: statusOf(members), ConfigFiles: filesOf(members) },
        trouble: troubleOf(members),
      }));
    const { stdout } = context.terminal;
    if (flags.quiet) {
      stdout.write(rows.map(({ row }) => `${row.Name}\n`).join(''));
      return 0;
    }
    const format = choiceOf('--format', flags.format, ['table', 'json']);
    const cells = rows.map(({ row, trouble }) => [row.Name, row.Status + trouble, row.ConfigFiles]);
    stdout.write(
      format === 'json'
        ? `${JSON.stringify(rows.map(({ row }) => row))}\n`
        : renderTable(columns, cells, stdout.columns),
    );
    return 0;
  },
});

const columns: readonly TableColumn[] = [
  { title: 'NAME', least: 12 },
  { title: 'STATUS', least: 20, cut: 'end' },
  { title: 'CONFIG FILES', least: 16, keep: 0 },
];

function namePattern(filter: string): RegExp {
  const [, pattern] = /^name=(.*)$/s.exec(filter) ?? [];
  if (pattern === undefined) throw invalidUsage('--filter', `--filter: "${filter}" is not of the form name=REGEX`);
  try {
    return new RegExp(pattern);
  } catch {
    throw invalidUsage('--filter', `--filter: "${pattern}" is not a regular expression`);
  }
}

function groupByProject(containers: readonly ContainerSummary[]): Map<string, ContainerSummary[]> {
  const groups = new Map<string, ContainerSummary[]>();
  for (const container of containers) {
    const name = container.Labels[composeLabels.project] ?? '';
    const members = groups.get(name);
    if (members === undefined) groups.set(name, [container]);
    else members.push(container);
  }
  return groups;
}

/** `exited(1), running(2)` */
function statusOf(containers: readonly ContainerSummary[]): string {
  const counts = new Map<string, number>();
  for (const { State } of containers) counts.set(State, (counts.get(State) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => compare(a, b))
    .map(([state, count]) => `${state}(${count})`)
    .join(', ');
}

/** `; crash loop: db`. Only for eyes: to programs the status is what any engine says. */
function troubleOf(containers: readonly ContainerSummary[]): string {
  const listed = (word: string, those: readonly ContainerSummary[]): string =>
    those.length === 0 ? '' : `; ${word}: ${[...new Set(those.map(serviceOf))].sort(compare).join(', ')}`;
  const looping = containers.filter(({ Tscompose }) => Tscompose?.CrashLoop !== undefined);
  const waiting = containers.filter(({ Tscompose }) => Tscompose?.StartWait !== undefined);
  return listed('crash loop', looping) + listed('not started', waiting);
}

function filesOf(containers: readonly ContainerSummary[]): string {
  const files = containers.flatMap(({ Labels }) =>
    (Labels[composeLabels.configFiles] ?? '').split(',').filter(Boolean),
  );
  return files.length === 0 ? 'N/A' : [...new Set(files)].join(',');
}
