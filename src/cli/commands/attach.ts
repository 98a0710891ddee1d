import { defineCommand } from '../command.js';
import { openSession } from '../container-session.js';
import { containerOf } from '../containers.js';
import { flag, flagOn, integer, text } from '../flags.js';
import { projectName } from '../project.js';

export const attachCommand = defineCommand({
  details: 'The exit code is that of the container. Ctrl-P Ctrl-Q leaves one that has a terminal.',
  usage: 'SERVICE',
  flags: {
    detachKeys: text('Keys that leave the container', { placeholder: 'KEYS' }),
    index: integer('Number of the container, when the service has several'),
    noStdin: flag('Do not pass standard input on'),
    sigProxy: flagOn('Pass signals on to the process; --sig-proxy=false keeps them here'),
  },
  run: async ({ flags, args: [service = ''], context }) => {
    const { signal } = context;
    const project = await projectName(context);
    const client = await context.engine();
    const { Id } = await containerOf(client, { project, service, index: flags.index }, { stopped: false }, signal);
    if (context.dryRun) return 0;
    const { Config } = await client.containers.inspect(Id, signal);
    const { ended } = await openSession(context, client, {
      containerId: Id,
      tty: Config.Tty ?? false,
      stdin: !flags.noStdin && Config.OpenStdin === true,
      signals: flags.sigProxy,
      detachKeys: flags.detachKeys,
    });
    return await ended;
  },
});
