import { flag, flagOrUnset, type FlagValues, integer, list, text } from '../flags.js';
import { lockFlags } from '../lock/use-lock.js';

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

export type UpFlags = FlagValues<typeof upFlags>;
