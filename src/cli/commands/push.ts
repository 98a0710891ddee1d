import { planPush } from '../../plan/index.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { runPlan } from '../run-plan.js';

export const pushCommand = defineCommand({
  details: 'Of services that have both a build section and an image.',
  usage: '[SERVICE...]',
  flags: {
    ignorePushFailures: flag('Go on when a push fails'),
    includeDeps: flag('Push what the services need too'),
    quiet: flag('Show nothing but warnings', { short: 'q' }),
  },
  run: async ({ flags, args, context }) => {
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(args);
    const project = enableNamed(loaded, args);
    const plan = planPush(project, {
      services: args,
      withDependencies: flags.includeDeps,
      ignoreFailures: flags.ignorePushFailures,
    });
    const client = await context.engine();
    const progress = await context.progress('push');
    const quiet = { builds: false, pulls: flags.quiet, all: flags.quiet };
    await runPlan(context, { client, project, progress, signal: context.signal, quiet }, plan);
    await progress.end();
    return 0;
  },
});
