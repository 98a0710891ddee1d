import { planRestart } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { defineCommand } from '../command.js';
import { flag, integer } from '../flags.js';
import { timeoutOf } from '../shared-options.js';

export const restartCommand = defineCommand({
  details: 'Changes to the compose files are not applied: that is what up does.',
  usage: '[SERVICE...]',
  flags: {
    noDeps: flag('Leave dependents that ask for a restart alone'),
    timeout: integer('Seconds before a container is killed', { short: 't' }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) =>
    await actOnProject(context, { operation: 'restart', services: args }, (observed, { name, project }) => {
      const { noDeps } = flags;
      return planRestart(observed, project, { projectName: name, services: args, noDeps, ...timeoutOf(flags.timeout) });
    }),
});
