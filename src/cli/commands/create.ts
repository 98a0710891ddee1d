import { mayReplaceVolume } from '../confirm.js';
import { defineCommand } from '../command.js';
import { flag, list, text } from '../flags.js';
import { lockFlags, withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { runUp } from '../run-plan.js';
import { excludeEachOther, imageOptions, orphanOptions, parseScale } from '../shared-options.js';

export const createCommand = defineCommand({
  details: 'Networks, volumes and containers, as up makes them; nothing is started.',
  usage: '[SERVICE...]',
  flags: {
    build: flag('Build images first'),
    forceRecreate: flag('Replace containers even when nothing changed'),
    ...lockFlags,
    noBuild: flag('Never build'),
    noRecreate: flag('Keep the containers there are'),
    pull: text('When to pull: always, missing, never or build; the default is each service’s own policy', {
      placeholder: 'WHEN',
      choices: ['always', 'missing', 'never', 'build'],
    }),
    quietPull: flag('Do not show how pulls come along'),
    removeOrphans: flag('Remove containers of services the project no longer has'),
    scale: list('Number of containers of a service', { placeholder: 'SERVICE=NUM' }),
    yes: flag('Answer every question with yes', { short: 'y', oldName: 'y' }),
  },
  run: async ({ flags, args, context }) => {
    excludeEachOther('--build', flags.build, '--no-build', flags.noBuild);
    excludeEachOther('--force-recreate', flags.forceRecreate, '--no-recreate', flags.noRecreate);
    const loaded = await requireProject(context);
    const scale = parseScale(flags.scale);
    withFiles(loaded).checkServices([...args, ...Object.keys(scale)]);
    const project = await withLock(context, enableNamed(loaded, args), flags);
    const options = {
      ...(args.length === 0 ? {} : { services: args }),
      noStart: true,
      forceRecreate: flags.forceRecreate,
      noRecreate: flags.noRecreate,
      scale,
      ...imageOptions(flags.build, flags.pull, flags.noBuild),
      ...orphanOptions(flags.removeOrphans, project.environment),
    };
    const client = await context.engine();
    const progress = await context.progress('create');
    const quiet = { builds: false, pulls: flags.quietPull };
    const mayReplace = mayReplaceVolume(context, flags.yes);
    await runUp(context, { client, project, progress, signal: context.signal, quiet, mayReplace }, options);
    await progress.end();
    return 0;
  },
});
