import { composeLabels } from '../../api/labels.js';
import type { VolumeInspect } from '../../api/volume.js';
import { defineCommand } from '../command.js';
import { compare, projectContainers } from '../containers.js';
import { flag, textOr } from '../flags.js';
import { projectIfPresent } from '../project.js';
import { renderListing } from '../render/listing.js';

export const volumesCommand = defineCommand({
  details: 'With services: those that their running containers mount.',
  usage: '[SERVICE...]',
  flags: {
    format: textOr('table', 'table, json or a Go template', { placeholder: 'FORMAT', choices: ['table', 'json'] }),
    quiet: flag('Only names', { short: 'q' }),
  },
  run: async ({ flags, args, context }) => {
    const { signal, terminal } = context;
    const target = await projectIfPresent(context);
    target.checkServices(args);
    const client = await context.engine();
    const filters = { label: [`${composeLabels.project}=${target.name}`] };
    const [all, containers] = await Promise.all([
      client.volumes.list({ filters }, signal),
      args.length === 0
        ? []
        : projectContainers(client, target.name, { stopped: false, oneOffs: false, services: args }, signal),
    ]);
    const mounted = new Set(containers.flatMap(({ Mounts }) => Mounts.map(({ Name }) => Name)));
    const volumes = all
      .filter(({ Name }) => args.length === 0 || mounted.has(Name))
      .sort((a, b) => compare(a.Name, b.Name));
    if (flags.quiet) {
      terminal.stdout.write(volumes.map(({ Name }) => `${Name}\n`).join(''));
      return 0;
    }
    terminal.stdout.write(
      renderListing(flags.format, {
        rows: volumes.map(volumeRow),
        fitTo: terminal.stdout.columns,
        columns: [
          { title: 'DRIVER', cell: ({ Driver }) => Driver, keep: 0 },
          { title: 'VOLUME NAME', cell: ({ Name }) => Name, least: 24 },
        ],
        methods: (row) => ({
          Label: (key) => volumes.find(({ Name }) => Name === row.Name)?.Labels?.[key] ?? '',
        }),
      }),
    );
    return 0;
  },
});

/** The members of `docker volume ls --format json`, in its order. */
function volumeRow({
  Driver,
  Labels,
  Mountpoint,
  Name,
  Scope,
}: VolumeInspect): Record<
  'Availability' | 'Driver' | 'Group' | 'Labels' | 'Links' | 'Mountpoint' | 'Name' | 'Scope' | 'Size' | 'Status',
  string
> {
  const labels = Object.entries(Labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return {
    Availability: 'N/A',
    Driver,
    Group: 'N/A',
    Labels: labels.sort(compare).join(','),
    Links: 'N/A',
    Mountpoint,
    Name,
    Scope,
    Size: 'N/A',
    Status: 'N/A',
  };
}
