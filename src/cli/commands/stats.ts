import type { ContainerSummary } from '../../api/container.js';
import { composeLabels } from '../../api/labels.js';
import type { StatsResponse } from '../../api/stats.js';
import { isNotFound, type EngineClient } from '../../client/index.js';
import { defineCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { nameOf, projectContainers } from '../containers.js';
import { flag, textOr } from '../flags.js';
import { projectName } from '../project.js';
import { renderListing, type ListingColumn } from '../render/listing.js';
import { statsRow, type StatsRow } from '../stats/stats-row.js';

const redrawMs = 500;

export const statsCommand = defineCommand({
  details: 'Until Ctrl-C, or once with --no-stream.',
  usage: '[SERVICE]',
  flags: {
    all: flag('Stopped containers too', { short: 'a' }),
    format: textOr('table', 'table, json or a Go template', { placeholder: 'FORMAT', choices: ['table', 'json'] }),
    noStream: flag('Only once'),
    noTrunc: flag('Do not shorten anything'),
  },
  run: async ({ flags, args, context }) => {
    const { terminal } = context;
    const project = await projectName(context);
    const client = await context.engine();
    const query: StatsQuery = { project, services: args.slice(0, 1), stopped: flags.all };
    const write = (shown: readonly Shown[]): void => {
      const rows = shown.map(({ container, sample }) => {
        const id = flags.noTrunc ? container.Id : container.Id.slice(0, 12);
        return statsRow({ id, name: nameOf(container) }, sample);
      });
      const clear = !flags.noStream && terminal.stdout.isTTY === true ? '\u001b[2J\u001b[H' : '';
      terminal.stdout.write(
        clear +
          renderListing(flags.format, { rows, columns, fitTo: flags.noTrunc ? undefined : terminal.stdout.columns }),
      );
    };
    if (flags.noStream) write(await sampleOnce(client, query, context.signal));
    else await follow(context, client, query, write);
    return 0;
  },
});

const columns: readonly ListingColumn<StatsRow>[] = [
  { title: 'CONTAINER ID', cell: ({ ID }) => ID, keep: 0 },
  { title: 'NAME', cell: ({ Name }) => Name, least: 16 },
  { title: 'CPU %', cell: ({ CPUPerc }) => CPUPerc },
  { title: 'MEM USAGE / LIMIT', cell: ({ MemUsage }) => MemUsage },
  { title: 'MEM %', cell: ({ MemPerc }) => MemPerc, keep: 4 },
  { title: 'NET I/O', cell: ({ NetIO }) => NetIO, keep: 3 },
  { title: 'BLOCK I/O', cell: ({ BlockIO }) => BlockIO, keep: 2 },
  { title: 'PIDS', cell: ({ PIDs }) => PIDs, keep: 1 },
];

interface StatsQuery {
  readonly project: string;
  readonly services: readonly string[];
  readonly stopped: boolean;
}

interface Shown {
  readonly container: ContainerSummary;
  readonly sample: StatsResponse | undefined;
}

async function listed(
  client: EngineClient,
  { project, services, stopped }: StatsQuery,
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  return await projectContainers(client, project, { stopped, oneOffs: true, services }, signal);
}

async function sampleOnce(client: EngineClient, query: StatsQuery, signal: AbortSignal): Promise<Shown[]> {
  const containers = await listed(client, query, signal);
  return await Promise.all(
    containers.map(async (container): Promise<Shown> => {
      if (container.State !== 'running') return { container, sample: undefined };
      for await (const sample of client.containers.stats(container.Id, { stream: false }, signal)) {
        return { container, sample: sample as unknown as StatsResponse }; // the shape the route promises
      }
      return { container, sample: undefined };
    }),
  );
}

/** Draws what there is, twice a second, for as long as the signal lets it; containers come and go with events. */
async function follow(
  { signal }: CliContext,
  client: EngineClient,
  query: StatsQuery,
  write: (shown: readonly Shown[]) => void,
): Promise<void> {
  const samples = new Map<string, StatsResponse>();
  const readings = new Map<string, Promise<void>>();
  let containers: readonly ContainerSummary[] = [];
  const read = async (id: string): Promise<void> => {
    try {
      for await (const sample of client.containers.stats(id, { stream: true }, signal)) {
        samples.set(id, sample as unknown as StatsResponse); // the shape the route promises
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    } finally {
      samples.delete(id);
      readings.delete(id);
    }
  };
  let failed: (error: unknown) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    failed = reject;
  });
  const look = async (): Promise<void> => {
    containers = await listed(client, query, signal);
    for (const { Id, State } of containers) {
      if (State !== 'running' || readings.has(Id)) continue;
      const reading = read(Id);
      reading.catch(failed);
      readings.set(Id, reading);
    }
  };
  const listen = async (): Promise<void> => {
    const label = [`${composeLabels.project}=${query.project}`];
    const event = ['create', 'start', 'die', 'destroy'];
    for await (const { Action, Actor } of client.events({ filters: { type: ['container'], label, event } }, signal)) {
      if (Action === 'die') samples.delete(Actor.ID);
      await look();
    }
  };
  const timer = setInterval(() => {
    const known = containers.filter(({ Id, State }) => State !== 'running' || samples.has(Id));
    if (known.length === containers.length) {
      write(containers.map((container) => ({ container, sample: samples.get(container.Id) })));
    }
  }, redrawMs);
  try {
    await Promise.race([look().then(listen), failure]);
  } finally {
    clearInterval(timer);
  }
}
