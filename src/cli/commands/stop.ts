import { planStop } from '../../plan/index.js';
import { defineCommand } from '../command.js';
import { integer } from '../flags.js';
import { actOnProject } from '../act-on-project.js';
import { timeoutOf } from '../shared-options.js';

export const stopCommand = defineCommand({
  details: 'Dependents first. tscompose start starts them again.',
  usage: '[SERVICE...]',
  flags: { timeout: integer('Seconds before a container is killed', { short: 't' }) },
  relayable: () => true,
  run: async ({ flags, args, context }) =>
    await actOnProject(context, { operation: 'stop', services: args, providers: true }, (observed, { name, project }) =>
      planStop(observed, project, { projectName: name, services: args, ...timeoutOf(flags.timeout) }),
    ),
});
