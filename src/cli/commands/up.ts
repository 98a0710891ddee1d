import { hasCode } from '../../base/errors.js';
import { Timeline } from '../../execute/index.js';
import { requireProject, enableNamed, withFiles } from '../project.js';
import { mayReplaceVolume } from '../confirm.js';
import { defineCommand } from '../command.js';
import { flag, flagOrUnset, integer, list, text } from '../flags.js';
import { lockFlags, withLock } from '../lock/use-lock.js';
import { confirmRemoteProject } from '../remote-safety.js';
import { runUp } from '../run-plan.js';
import { parseScale, withinSeconds } from '../shared-options.js';
import { upInForeground } from '../up/foreground.js';
import { showTimeline } from '../up/show-timeline.js';
import { checkUpFlags, quietOf, upOptions } from '../up/options.js';
import { withFindings } from '../up/timed-out.js';

export const upFlags = {
  abortOnContainerExit: flag('Stop everything when any container ends'),
  abortOnContainerFailure: flag('Stop everything when any container ends with a failure'),
  alwaysRecreateDeps: flag('Replace the containers of what the services need, too'),
  attach: list('Show only the output of this service', { placeholder: 'SERVICE' }),
  attachDependencies: flag('Show the output of what the services need, too'),
  build: flag('Build images first'),
  detach: flag('Start in the background', { short: 'd' }),
  exitCodeFrom: text('End with the exit code of this service, when any container ends', { placeholder: 'SERVICE' }),
  forceRecreate: flag('Replace containers even when nothing changed'),
  ...lockFlags,
  menu: flagOrUnset('Take keys while attached: w watches, d leaves; on in a terminal'),
  noAttach: list('Do not show the output of this service', { placeholder: 'SERVICE' }),
  noBuild: flag('Never build'),
  noColor: flag('Output without colours'),
  noDeps: flag('Leave what the services need alone'),
  noLogPrefix: flag('Output without names of containers'),
  noRecreate: flag('Keep the containers there are'),
  noStart: flag('Create only'),
  pull: text('When to pull: always, missing or never; the default is each service’s own policy', {
    placeholder: 'WHEN',
    choices: ['always', 'missing', 'never'],
  }),
  quietBuild: flag('Do not show the steps of builds'),
  quietPull: flag('Do not show how pulls come along'),
  removeOrphans: flagOrUnset('Remove containers of services the project no longer has'),
  renewAnonVolumes: flag('Replace containers with fresh anonymous volumes', { short: 'V' }),
  scale: list('Number of containers of a service', { placeholder: 'SERVICE=NUM' }),
  timeout: integer('Seconds before a container that is replaced or ended is killed', { short: 't' }),
  timeline: flag(
    'Show afterwards when each step ran, what the rest waited for, and how to be quicker; with -d or --wait',
  ),
  timestamps: flag('Output with the time of each line'),
  trace: text('Write the timeline into this file, for chrome://tracing and Perfetto; with -d or --wait', {
    placeholder: 'FILE',
  }),
  wait: flag('Wait until all are healthy, or running where there is no health check; implies -d'),
  waitTimeout: integer('Seconds to wait at most; 0 waits for ever'),
  watch: flag('Bring changed files into services, too', { short: 'w' }),
  yes: flag('Answer every question with yes', { short: 'y', oldName: 'y' }),
} as const;

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
      throw hasCode(error, 'cli/wait-timeout') ? await withFindings(error, context, client, project, args) : error;
    }
    await progress.end();
    if (timed !== undefined) await showTimeline(context, timed, { client, project, ...flags });
    return 0;
  },
});

function exitService({ exitCodeFrom }: { readonly exitCodeFrom: string | undefined }): readonly string[] {
  return exitCodeFrom === undefined ? [] : [exitCodeFrom];
}
