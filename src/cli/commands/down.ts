import { planDown } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { flag, flagOrUnset, integer, text } from '../flags.js';
import { removesOrphans, timeoutOf } from '../shared-options.js';

export const downCommand = defineCommand({
  details:
    'With services: only those and what they alone use; where there are no files also what depends on them. External ' +
    'networks and volumes are never touched, and what is still in use elsewhere stays with a warning.',
  usage: '[SERVICE...]',
  flags: {
    removeOrphans: flagOrUnset('Containers of services the project no longer has, and of run, as well'),
    rmi: text('Remove images too: local for those without a name of their own, or all', {
      placeholder: 'WHICH',
      choices: ['local', 'all'],
    }),
    timeout: integer('Seconds before a container is killed', { short: 't' }),
    volumes: flag('Remove named volumes of the project and anonymous ones', { short: 'v', oldName: 'volume' }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    const rmi = flags.rmi === undefined ? 'none' : choiceOf('--rmi', flags.rmi, ['local', 'all']);
    return await actOnProject(
      context,
      {
        operation: 'down',
        providers: true,
        services: args,
        ...(args.length === 0 ? { graph: 'forget' as const } : {}),
        whenNothing: 'warning: no resource found to remove for the project',
      },
      (observed, { name, project, setting }) =>
        planDown(observed, project, {
          projectName: name,
          ...(args.length === 0 ? {} : { services: args }),
          volumes: flags.volumes,
          rmi,
          removeOrphans: removesOrphans(flags.removeOrphans, setting('COMPOSE_REMOVE_ORPHANS')),
          ...timeoutOf(flags.timeout),
        }),
    );
  },
});
