import { TscomposeError } from '../../base/errors.js';
import { planDown } from '../../plan/index.js';
import { actOnProject } from '../act-on-project.js';
import { defineCommand } from '../command.js';
import { projectContainers } from '../containers.js';
import { flag } from '../flags.js';
import { projectIfPresent } from '../project.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/nothing-to-wait-for': { readonly project: string };
  }
}

export const waitCommand = defineCommand({
  details: 'Prints how each ended. The exit code is that of the last one to end.',
  usage: 'SERVICE [SERVICE...]',
  flags: { downProject: flag('Take the project down afterwards') },
  run: async ({ flags, args, context }) => {
    const { signal, terminal } = context;
    const target = await projectIfPresent(context);
    target.checkServices(args);
    const client = await context.engine();
    const query = { stopped: false, oneOffs: false, services: args };
    const containers = await projectContainers(client, target.name, query, signal);
    if (containers.length === 0) {
      throw new TscomposeError({
        code: 'cli/nothing-to-wait-for',
        message: `no containers for project "${target.name}"`,
        facts: { project: target.name },
        hint: 'it waits for containers that run',
      });
    }
    let last = 0;
    await Promise.all(
      containers.map(async ({ Id }) => {
        const { StatusCode } = await client.containers.wait(Id, { condition: 'not-running' }, signal);
        terminal.stdout.write(`container "${Id}" exited with status code ${StatusCode}\n`);
        last = StatusCode;
      }),
    );
    if (flags.downProject) {
      await actOnProject(context, { operation: 'down', services: [], providers: true }, (observed, { name, project }) =>
        planDown(observed, project, { projectName: name, removeOrphans: true }),
      );
    }
    return last;
  },
});
