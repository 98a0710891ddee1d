import { defineCommand } from '../command.js';
import { nameOf, numberOf, projectContainers, serviceOf } from '../containers.js';
import { projectName } from '../project.js';
import { renderTable } from '../render/table.js';

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
    const columns = [...titles.filter((title) => title !== 'CMD'), ...titles.filter((title) => title === 'CMD')];
    const rows = answers.flatMap(({ container, top }) =>
      top.Processes.map((process) => [
        serviceOf(container) || nameOf(container),
        String(numberOf(container)),
        ...columns.map((title) => process[top.Titles.indexOf(title)] ?? '-'),
      ]),
    );
    if (rows.length > 0)
      terminal.stdout.write(renderTable(['SERVICE', '#', ...columns], rows, terminal.stdout.columns));
    return 0;
  },
});
