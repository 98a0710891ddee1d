import { observe } from '../../execute/index.js';
import { planPull } from '../../plan/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { flag, flagOn, text } from '../flags.js';
import { lockFlags, withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { runPlan } from '../run-plan.js';

export const pullCommand = defineCommand({
  details: 'Also when they are there already. Services that only build have none.',
  usage: '[SERVICE...]',
  flags: {
    ...lockFlags,
    ignoreBuildable: flag('Leave out services that can be built'),
    ignorePullFailures: flag('Go on when a pull fails'),
    includeDeps: flag('Pull what the services need too'),
    noParallel: flagOn('Without effect', { hidden: true }),
    parallel: flagOn('Without effect', { hidden: true }),
    policy: text('missing or always, in place of the services’ own policies', { placeholder: 'WHEN' }),
    quiet: flag('Show nothing but warnings', { short: 'q' }),
  },
  run: async ({ flags, args, context }) => {
    const policy = flags.policy === undefined ? undefined : choiceOf('--policy', flags.policy, ['missing', 'always']);
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(args);
    const project = await withLock(context, enableNamed(loaded, args), flags);
    const { signal } = context;
    const client = await context.engine();
    const observed = await observe(client, project, signal, { networks: false, volumes: false });
    const plan = planPull(project, observed, {
      services: args,
      withDependencies: flags.includeDeps,
      ignoreBuildable: flags.ignoreBuildable,
      ignoreFailures: flags.ignorePullFailures,
      ...(policy === undefined ? {} : { policy }),
    });
    const progress = await context.progress('pull');
    const quiet = { builds: false, pulls: flags.quiet, all: flags.quiet };
    await runPlan(context, { client, project, progress, signal, quiet }, plan);
    await progress.end();
    return 0;
  },
});
