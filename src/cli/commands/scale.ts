import { invalidUsage } from '../../base/invalid-usage.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { runUp } from '../run-plan.js';
import { orphanOptions, parseScale } from '../shared-options.js';

export const scaleCommand = defineCommand({
  details: 'New containers are started, those with the highest numbers go first. Nothing is built.',
  usage: 'SERVICE=NUM...',
  flags: { noDeps: flag('Leave what the services need alone') },
  run: async ({ flags, args, context }) => {
    if (args.length === 0) {
      throw invalidUsage(undefined, 'scale: say which service, and how many: SERVICE=NUM');
    }
    const scale = parseScale(args, 'scale');
    const services = Object.keys(scale);
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(services);
    const project = await withLock(context, enableNamed(loaded, services));
    const client = await context.engine();
    const progress = await context.progress('scale');
    await runUp(
      context,
      { client, project, progress, signal: context.signal },
      { services, scale, noDeps: flags.noDeps, build: 'never', ...orphanOptions(false, project.environment) },
    );
    await progress.end();
    return 0;
  },
});
