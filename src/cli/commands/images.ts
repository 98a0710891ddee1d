import type { ContainerSummary } from '../../api/container.js';
import type { ImageInspect } from '../../api/image.js';
import { isNotFound, type EngineClient } from '../../client/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { nameOf, projectContainers } from '../containers.js';
import { flag, textOr } from '../flags.js';
import { projectName } from '../project.js';
import { humanSize } from '../render/byte-size.js';
import { ago } from '../render/relative-time.js';
import { renderTable } from '../render/table.js';

export const imagesCommand = defineCommand({
  details: 'Of running and stopped containers.',
  usage: '[SERVICE...]',
  flags: {
    format: textOr('table', 'table or json', { placeholder: 'FORMAT', choices: ['table', 'json'] }),
    quiet: flag('Only ids of images', { short: 'q' }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    const { signal, terminal } = context;
    const name = await projectName(context);
    const client = await context.engine();
    const containers = await projectContainers(client, name, { stopped: true, oneOffs: true, services: args }, signal);
    if (flags.quiet) {
      const ids = new Set(containers.map(({ ImageID }) => ImageID.replace('sha256:', '')));
      terminal.stdout.write([...ids].map((id) => `${id}\n`).join(''));
      return 0;
    }
    const format = choiceOf('--format', flags.format, ['table', 'json']);
    const images = await inspectAll(client, containers, signal);
    const rows = containers.map((container) => imageRow(container, images.get(container.ImageID)));
    if (format === 'json') terminal.stdout.write(`${rows.length === 0 ? 'null' : JSON.stringify(rows)}\n\n`);
    else terminal.stdout.write(table(rows, terminal.stdout.columns));
    return 0;
  },
});

interface ImageRow {
  readonly ID: string;
  readonly ContainerName: string;
  readonly Repository: string;
  readonly Tag: string;
  readonly Platform: string;
  readonly Size: number;
  readonly Created?: string;
  readonly LastTagTime?: string;
}

/** Each image once. An image removed by force while its container stays is left out. */
async function inspectAll(
  client: EngineClient,
  containers: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<Map<string, ImageInspect>> {
  const ids = [...new Set(containers.map(({ ImageID }) => ImageID))];
  const found = await Promise.all(
    ids.map(async (id) => {
      try {
        return [[id, await client.images.inspect(id, signal)] as const];
      } catch (error) {
        if (isNotFound(error)) return [];
        throw error;
      }
    }),
  );
  return new Map(found.flat());
}

function imageRow(container: ContainerSummary, image: ImageInspect | undefined): ImageRow {
  const [, repository = '<none>', tag = '<none>'] = /^(.+):([^:/]+)$/.exec(image?.RepoTags[0] ?? '') ?? [];
  const platform = image === undefined ? '' : [image.Os, image.Architecture, image.Variant].filter(Boolean).join('/');
  const tagged = image?.Metadata.LastTagTime ?? '';
  return {
    ID: container.ImageID,
    ContainerName: nameOf(container),
    Repository: repository,
    Tag: tag,
    Platform: platform,
    Size: image?.Size ?? 0,
    ...(image === undefined || image.Created === '' ? {} : { Created: image.Created }),
    ...(tagged === '' || tagged.startsWith('0001-') ? {} : { LastTagTime: tagged }),
  };
}

function table(rows: readonly ImageRow[], fitTo: number | undefined): string {
  return renderTable(
    [
      { title: 'CONTAINER', least: 16 },
      { title: 'REPOSITORY', least: 14 },
      { title: 'TAG', least: 8, keep: 4 },
      { title: 'PLATFORM', keep: 0 },
      { title: 'IMAGE ID', keep: 1 },
      { title: 'SIZE', keep: 3 },
      { title: 'CREATED', keep: 2 },
    ],
    rows.map((row) => [
      row.ContainerName,
      row.Repository,
      row.Tag,
      row.Platform,
      row.ID.replace('sha256:', '').slice(0, 12),
      humanSize(row.Size),
      row.Created === undefined ? 'N/A' : ago(Date.parse(row.Created), Date.now()),
    ]),
    fitTo,
  );
}
