import { defineCommand } from '../command.js';
import { flag, flagOn } from '../flags.js';
import { withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { runUp } from '../run-plan.js';
import { orphanOptions } from '../shared-options.js';
import { openWatch } from '../watch/session.js';

export const watchCommand = defineCommand({
  details:
    'Follows the develop.watch sections of services: changed files are copied into containers, images rebuilt, services ' +
    'restarted. Until Ctrl-C.',
  usage: '[SERVICE...]',
  flags: {
    noUp: flag('Do not start anything first'),
    prune: flagOn('Remove images that a rebuild left without a name; --prune=false keeps them'),
    quiet: flag('Do not show the steps of builds'),
  },
  run: async ({ flags, args, context }) => {
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(args);
    const project = await withLock(context, enableNamed(loaded, args));
    const client = await context.engine();
    const { signal, terminal } = context;
    const named = args.length === 0 ? Object.keys(project.model.services) : args;
    const services = named.filter((service) => project.model.services[service]?.develop !== undefined);
    const say = (text: string): void => void terminal.stdout.write(` ⦿ ${text}\n`);
    const work = { client, project, signal, prune: flags.prune, quietBuild: flags.quiet, say };
    if (!flags.noUp) {
      const progress = await context.progress('up');
      const quiet = { builds: flags.quiet, pulls: false };
      const orphans = orphanOptions(false, project.environment);
      const options = { ...(args.length === 0 ? {} : { services: args }), ...orphans };
      await runUp(context, { client, project, progress, signal, quiet }, options);
      await progress.end();
    }
    if (context.dryRun) return 0;
    await openWatch(context, work, services).ended;
    return 0;
  },
});
