import { Timeline } from '../../execute/index.js';
import { requireProject, enableNamed, withFiles } from '../project.js';
import { mayReplaceVolume } from '../confirm.js';
import { defineCommand } from '../command.js';
import { withLock } from '../lock/use-lock.js';
import { confirmRemoteProject } from '../remote-safety.js';
import { runUp } from '../run-plan.js';
import { parseScale, withinSeconds } from '../shared-options.js';
import { withFindings } from '../timed-out.js';
import { upFlags } from '../up/flags.js';
import { upInForeground } from '../up/foreground.js';
import { showTimeline } from '../up/show-timeline.js';
import { checkUpFlags, quietOf, upOptions } from '../up/options.js';

export const upCommand = defineCommand({
  details:
    'Builds or pulls images that are missing, creates what is new, replaces what has changed and starts everything in ' +
    'order. Shows the output of the containers until Ctrl-C stops them; a second Ctrl-C kills them.',
  usage: '[SERVICE...]',
  flags: upFlags,
  relayable: ({ detach, wait, noStart }) => detach || wait || noStart,
  run: async ({ flags, args, context }) => {
    checkUpFlags(flags);
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices([
      ...args,
      ...flags.attach,
      ...flags.noAttach,
      ...exitService(flags),
      ...Object.keys(parseScale(flags.scale)),
    ]);
    const project = await withLock(context, enableNamed(loaded, args), flags);
    await confirmRemoteProject(context, project, flags.yes ? 'assume yes' : 'ask');
    const options = upOptions(flags, args, project.environment);
    const signal = withinSeconds(context.signal, flags.wait ? flags.waitTimeout : 0);
    const client = await context.engine();
    const background = flags.detach || flags.wait || flags.noStart || context.dryRun;
    if (!background) return await upInForeground(context, { client, project, options, flags, services: args });
    const progress = await context.progress('up');
    const timed = flags.timeline || flags.trace !== undefined ? new Timeline() : undefined;
    const mayReplace = mayReplaceVolume(context, flags.yes);
    const work = { client, project, progress, signal, quiet: quietOf(flags), mayReplace };
    try {
      await runUp(context, timed === undefined ? work : { ...work, timeline: timed }, options);
    } catch (error) {
      throw await withFindings(error, context, client, project, args);
    }
    await progress.end();
    if (timed !== undefined) await showTimeline(context, timed, { client, project, ...flags });
    return 0;
  },
});

function exitService({ exitCodeFrom }: { readonly exitCodeFrom: string | undefined }): readonly string[] {
  return exitCodeFrom === undefined ? [] : [exitCodeFrom];
}
