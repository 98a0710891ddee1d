import { planKill } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { defineCommand } from '../command.js';
import { flagOrUnset, textOr } from '../flags.js';
import { removesOrphans } from '../shared-options.js';

export const killCommand = defineCommand({
  usage: '[SERVICE...]',
  flags: {
    removeOrphans: flagOrUnset('Containers of services the project no longer has as well'),
    signal: textOr('SIGKILL', 'Signal to send', { short: 's', placeholder: 'SIGNAL' }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    return await actOnProject(
      context,
      { operation: 'kill', services: args, whenNothing: 'No container to kill' },
      (observed, { name, project, setting }) =>
        planKill(observed, project, {
          projectName: name,
          services: args,
          signal: flags.signal,
          removeOrphans: removesOrphans(flags.removeOrphans, setting('COMPOSE_REMOVE_ORPHANS')),
        }),
    );
  },
});
