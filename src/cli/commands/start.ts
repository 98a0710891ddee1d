import { planStart } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { defineCommand } from '../command.js';
import { flag, integer } from '../flags.js';
import { withinSeconds } from '../shared-options.js';

export const startCommand = defineCommand({
  details: 'With what the services need, in order.',
  usage: '[SERVICE...]',
  flags: {
    wait: flag('Wait until all are healthy, or running where there is no health check'),
    waitTimeout: integer('Seconds to wait at most; 0 waits for ever'),
  },
  relayable: () => true,
  run: async ({ flags, args, context }) =>
    await actOnProject(
      context,
      {
        operation: 'start',
        services: args,
        withDependencies: true,
        graph: 'keep',
        signal: withinSeconds(context.signal, flags.wait ? flags.waitTimeout : 0),
      },
      (observed, { name, project }) =>
        planStart(observed, project, { projectName: name, services: args, wait: flags.wait }),
    ),
});
