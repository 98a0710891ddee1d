import { defineCommand } from '../command.js';
import { nameOf, numberOf, projectContainers, serviceOf } from '../containers.js';
import { projectName } from '../project.js';
import type { ColumnFit } from '../render/fit-columns.js';
import { renderTable } from '../render/table.js';

/** On a narrow terminal; any other column stays. */
const fits: Readonly<Record<string, ColumnFit>> = {
  SERVICE: { least: 10 },
  CMD: { least: 16, cut: 'end' },
  C: { keep: 0 },
  TTY: { keep: 1 },
  STIME: { keep: 2 },
  PPID: { keep: 3 },
  UID: { keep: 4 },
  TIME: { keep: 5 },
};

export const topCommand = defineCommand({
  usage: '[SERVICE...]',
  flags: {},
  relayable: () => true,
  run: async ({ args, context }) => {
    const { signal, terminal } = context;
    const name = await projectName(context);
    const client = await context.engine();
    const containers = await projectContainers(client, name, { stopped: false, oneOffs: true, services: args }, signal);
    const answers = await Promise.all(
      containers.map(async (container) => ({ container, top: await client.containers.top(container.Id, {}, signal) })),
    );
    const titles = [...new Set(answers.flatMap(({ top }) => top.Titles))];
    const shown = [...titles.filter((title) => title !== 'CMD'), ...titles.filter((title) => title === 'CMD')];
    const rows = answers.flatMap(({ container, top }) =>
      top.Processes.map((process) => [
        serviceOf(container) || nameOf(container),
        String(numberOf(container)),
        ...shown.map((title) => process[top.Titles.indexOf(title)] ?? '-'),
      ]),
    );
    const columns = ['SERVICE', '#', ...shown].map((title) => ({ title, ...fits[title] }));
    if (rows.length > 0) terminal.stdout.write(renderTable(columns, rows, terminal.stdout.columns));
    return 0;
  },
});
