import { planRemove } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { confirm } from '../confirm.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';

export const rmCommand = defineCommand({
  details: 'Containers of run stay. Networks and named volumes stay too; tscompose down removes those.',
  usage: '[SERVICE...]',
  flags: {
    all: flag('Without effect', { short: 'a', hidden: true }),
    force: flag('Do not ask', { short: 'f' }),
    stop: flag('Stop running ones first', { short: 's' }),
    volumes: flag('Their anonymous volumes too', { short: 'v' }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) =>
    await actOnProject(
      context,
      {
        operation: 'rm',
        services: args,
        whenNothing: 'No stopped containers',
        confirm: async ({ steps }) => {
          const names = steps.flatMap(({ operation }) =>
            operation.kind === 'container.remove' ? [operation.container.name] : [],
          );
          return flags.force || (await confirm(context, `Going to remove ${names.join(', ')}`));
        },
      },
      (observed, { name, project }) =>
        planRemove(observed, project, { projectName: name, services: args, stop: flags.stop, volumes: flags.volumes }),
    ),
});
