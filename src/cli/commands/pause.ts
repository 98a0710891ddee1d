import { planPause, planUnpause } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { defineCommand } from '../command.js';

export const pauseCommand = defineCommand({
  details: 'Their processes stand still and keep their memory.',
  usage: '[SERVICE...]',
  flags: {},
  relayable: () => true,
  run: async ({ args, context }) =>
    await actOnProject(context, { operation: 'pause', services: args }, (observed, { name, project }) =>
      planPause(observed, project, { projectName: name, services: args }),
    ),
});

export const unpauseCommand = defineCommand({
  usage: '[SERVICE...]',
  flags: {},
  relayable: () => true,
  run: async ({ args, context }) =>
    await actOnProject(context, { operation: 'unpause', services: args }, (observed, { name, project }) =>
      planUnpause(observed, project, { projectName: name, services: args }),
    ),
});
