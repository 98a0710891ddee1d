import type { ContainerSummary } from '../../api/container.js';
import { readDockerConfig } from '../../base/docker-config.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { noteOf } from '../../execute/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { compare, projectContainers, serviceOf } from '../containers.js';
import { flag, flagOn, list, text } from '../flags.js';
import { projectIfPresent } from '../project.js';
import { containerRow, type ContainerRow } from '../render/container-row.js';
import { renderListing, type ListingColumn } from '../render/listing.js';
import { briefPorts } from '../render/port-list.js';
import type { Terminal } from '../terminal.js';

const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const;

export const psCommand = defineCommand({
  details:
    'Running containers of the project; with services, theirs. A terminal that is too narrow for all columns shows those ' +
    'that matter most; --no-trunc shows everything.',
  usage: '[SERVICE...]',
  flags: {
    all: flag('Stopped containers and those of run too', { short: 'a' }),
    filter: text('Only containers with this property: status=STATE', { placeholder: 'KEY=VALUE' }),
    format: text('table, json or a Go template; the default is psFormat of docker’s config.json, else table', {
      placeholder: 'FORMAT',
      choices: ['table', 'json'],
    }),
    noTrunc: flag('Do not shorten anything'),
    orphans: flagOn('Containers of services the project no longer has; --orphans=false leaves them out'),
    quiet: flag('Only ids', { short: 'q' }),
    services: flag('Only names of services'),
    status: list('Only containers in this state; may be repeated', {
      placeholder: 'STATE',
      choices: states,
    }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    const wanted = [...flags.status, ...statusFilter(flags.filter)].map((state) => choiceOf('--status', state, states));
    const target = await projectIfPresent(context);
    target.checkServices(args);
    const client = await context.engine();
    const query = { stopped: flags.all || wanted.length > 0, oneOffs: flags.all, services: args };
    const found = await projectContainers(client, target.name, query, context.signal);
    const known = target.project === undefined ? undefined : new Set(target.serviceNames);
    const containers = found.filter(
      (one) =>
        (wanted.length === 0 || wanted.includes(one.State)) &&
        (flags.orphans || known === undefined || known.has(serviceOf(one))),
    );
    const { stdout } = context.terminal;
    const format = flags.format || usualFormat(context.terminal.environment);
    stdout.write(render(containers, { ...flags, format }, flags.noTrunc ? undefined : stdout.columns));
    return 0;
  },
});

/** `psFormat` of docker's configuration. */
function usualFormat(environment: Terminal['environment']): string {
  const { psFormat } = readDockerConfig(environment).members;
  return typeof psFormat === 'string' && psFormat !== '' ? psFormat : 'table';
}

interface ShowFlags {
  readonly format: string;
  readonly quiet: boolean;
  readonly services: boolean;
  readonly noTrunc: boolean;
}

function render(containers: readonly ContainerSummary[], flags: ShowFlags, fitTo: number | undefined): string {
  if (flags.quiet) return containers.map(({ Id }) => `${Id}\n`).join('');
  if (flags.services) {
    const names = [...new Set(containers.map(serviceOf))].sort(compare);
    return `${names.join('\n')}\n`;
  }
  const rows = containers.map((one) => containerRow(one, { full: flags.noTrunc, nowMs: Date.now() }));
  const labels = new Map(containers.map(({ Labels }, index) => [rows[index], Labels]));
  const notes = new Map(containers.map(({ Tscompose }, index) => [rows[index], notesOf(Tscompose)]));
  return renderListing(flags.format, {
    rows,
    fitTo,
    columns: psColumns(
      (row) => [row.Status, ...(notes.get(row) ?? [])].join('; '),
      rows.some(({ Engine }) => Engine !== ''),
    ),
    methods: (row) => ({ Label: (key) => labels.get(row)?.[key] ?? '' }),
  });
}

/** Only for eyes: to programs `Status` is what any engine says. */
function notesOf(told: ContainerSummary['Tscompose']): readonly string[] {
  const note = noteOf(told);
  return note === undefined ? [] : [note];
}

/** @param status - for eyes: it may say more than the engine's */
export function psColumns(
  status: (row: ContainerRow) => string,
  withEngines: boolean,
): readonly ListingColumn<ContainerRow>[] {
  return [
    { title: 'NAME', cell: ({ Name }) => Name, least: 16 },
    { title: 'IMAGE', cell: ({ Image }) => Image, least: 14, keep: 2 },
    { title: 'COMMAND', cell: ({ Command }) => Command, least: 10, cut: 'end', keep: 0 },
    { title: 'SERVICE', cell: ({ Service }) => Service, least: 10, keep: 3 },
    { title: 'CREATED', cell: ({ RunningFor }) => RunningFor, keep: 1 },
    { title: 'STATUS', cell: status, least: 24, cut: 'end' },
    { title: 'PORTS', cell: ({ Ports }) => Ports, brief: briefPorts, least: 18, ample: 44, cut: 'end', keep: 5 },
    ...(withEngines ? [{ title: 'ENGINE', cell: ({ Engine }: ContainerRow) => Engine, keep: 4 }] : []),
  ];
}

function statusFilter(filter: string | undefined): readonly string[] {
  if (filter === undefined) return [];
  const [key = '', value] = filter.split('=', 2);
  if (key === 'status' && value !== undefined) return [value];
  throw invalidUsage('--filter', `--filter: "${filter}" is not of the form status=STATE`);
}
