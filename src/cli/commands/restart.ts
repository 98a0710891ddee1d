import { planCascade, planRestart } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { defineCommand } from '../command.js';
import { flag, integer } from '../flags.js';
import { excludeEachOther, timeoutOf } from '../shared-options.js';

export const restartCommand = defineCommand({
  details: 'Changes to the compose files are not applied: that is what up does.',
  usage: '[SERVICE...]',
  flags: {
    cascade: flag('With everything that depends on the services: it stops first and starts when its conditions hold'),
    noDeps: flag('Leave dependents that ask for a restart alone'),
    timeout: integer('Seconds before a container is killed', { short: 't' }),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    const { cascade, noDeps } = flags;
    excludeEachOther('--cascade', cascade, '--no-deps', noDeps);
    return await actOnProject(context, { operation: 'restart', services: args }, (observed, { name, project }) => {
      const target = { projectName: name, services: args, ...timeoutOf(flags.timeout) };
      return cascade ? planCascade(observed, project, target) : planRestart(observed, project, { ...target, noDeps });
    });
  },
});
