import { invalidUsage } from '../../base/invalid-usage.js';
import { followLogs, readLogs, type LogOptions } from '../../execute/index.js';
import { defineCommand } from '../command.js';
import { containerOf } from '../containers.js';
import { flag, integer, text, textOr } from '../flags.js';
import { parseMoment } from '../moment.js';
import { logPrinter, printLogEvent } from '../print-logs.js';
import { projectIfPresent, type ProjectTarget } from '../project.js';
import { drained } from '../terminal.js';

export const logsCommand = defineCommand({
  details: 'Lines of all containers, in the order of time.',
  usage: '[SERVICE...]',
  flags: {
    follow: flag('Go on with what is written from now on, also by containers that start later', { short: 'f' }),
    index: integer('Number of the container, when the service has several'),
    noColor: flag('Without colours'),
    noLogPrefix: flag('Without names of containers'),
    since: text('Only what was written after this time', { placeholder: 'TIME' }),
    tail: textOr('all', 'Only the last N lines of each container', { short: 'n', placeholder: 'N' }),
    timestamps: flag('With the time of each line', { short: 't' }),
    until: text('Only what was written before this time', { placeholder: 'TIME' }),
  },
  relayable: ({ follow }) => !follow,
  run: async ({ flags, args, context }) => {
    const { signal } = context;
    if (flags.index !== undefined && args.length !== 1) {
      throw invalidUsage('--index', '--index needs exactly one service');
    }
    const target = await projectIfPresent(context);
    target.checkServices(args);
    const client = await context.engine();
    const [service] = args;
    if (flags.index !== undefined && service !== undefined) {
      const one = { project: target.name, service, index: flags.index };
      await containerOf(client, one, { stopped: true }, signal);
    }
    const now = Date.now();
    const printer = logPrinter(context, flags);
    const services = chosenServices(target, args);
    const options: LogOptions = {
      client,
      project: target.name,
      history: 'all',
      tail: parseTail(flags.tail),
      signal,
      regain: (inside) => context.regainEngine(inside),
      pace: async () => await drained(context.terminal.stdout),
      onEvent: (event) => {
        if (flags.follow || event.kind !== 'exited') printLogEvent(context, target.name, printer, event, flags);
      },
      ...(services === undefined ? {} : { services }),
      ...(flags.index === undefined || flags.index === 0 ? {} : { number: flags.index }),
      ...(flags.since === undefined ? {} : { since: parseMoment('--since', flags.since, now) }),
      ...(flags.until === undefined ? {} : { until: parseMoment('--until', flags.until, now) }),
    };
    if (flags.follow) {
      const follower = followLogs(options);
      await follower.opened;
      follower.untilIdle();
      await follower.ended;
    } else await readLogs(options);
    return 0;
  },
});

/** Those named; else all but the ones that ask not to be attached to. Undefined: all there are. */
function chosenServices(
  { project, serviceNames }: ProjectTarget,
  named: readonly string[],
): readonly string[] | undefined {
  if (named.length > 0) return named;
  const silent = serviceNames.filter((name) => project?.model.services[name]?.attach === false);
  return silent.length === 0 ? undefined : serviceNames.filter((name) => !silent.includes(name));
}

function parseTail(value: string): number | 'all' {
  if (value === 'all') return 'all';
  if (/^-\d+$/.test(value)) return 'all'; // docker's -1
  if (/^\d+$/.test(value)) return Number(value);
  throw invalidUsage('--tail', `--tail: "${value}" is neither a number nor all`);
}
