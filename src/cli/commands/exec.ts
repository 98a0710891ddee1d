import { invalidUsage } from '../../base/invalid-usage.js';
import { joinTerminal } from '../attach-terminal.js';
import { defineCommand } from '../command.js';
import { containerOf } from '../containers.js';
import { flag, flagOn, integer, list, text } from '../flags.js';
import { projectName } from '../project.js';

export const execCommand = defineCommand({
  details: 'The exit code is that of the command. Flags of tscompose end at the name of the service.',
  usage: 'SERVICE COMMAND [ARGS...]',
  stopsAtFirstArgument: true,
  flags: {
    detach: flag('Leave it running and return', { short: 'd' }),
    env: list('Set a variable; without a value it is taken from here', { short: 'e', placeholder: 'KEY[=VALUE]' }),
    index: integer('Number of the container, when the service has several'),
    interactive: flagOn('Pass standard input on', { short: 'i', hidden: true }),
    noTty: flag('Give it no terminal, as when the output is not one', { short: 'T', oldName: 'no-TTY' }),
    privileged: flag('Give it all capabilities'),
    tty: flagOn('Give it a terminal', { short: 't', hidden: true }),
    user: text('Run as this user', { short: 'u', placeholder: 'USER[:GROUP]' }),
    workdir: text('Run in this folder of the container', { short: 'w', placeholder: 'FOLDER' }),
  },
  relayable: () => true,
  run: async ({ flags, args: [service = '', ...command], context }) => {
    const { terminal, signal, interrupts } = context;
    const project = await projectName(context);
    const client = await context.engine();
    const target = { project, service, index: flags.index };
    const { Id } = await containerOf(client, target, { stopped: false }, signal);
    if (context.dryRun) {
      throw invalidUsage('--dry-run', 'exec cannot be rehearsed: what a command would do is not known before it runs');
    }
    const tty = !flags.noTty && !flags.detach && terminal.stdout.isTTY === true && terminal.stdin.isTTY === true;
    const interactive = flags.interactive && !flags.detach;
    const exec = await client.exec.create(
      Id,
      {
        Cmd: command,
        Env: flags.env.flatMap((entry) => withValue(entry, terminal.environment)),
        Privileged: flags.privileged,
        Tty: tty,
        AttachStdin: interactive,
        AttachStdout: !flags.detach,
        AttachStderr: !flags.detach,
        ...(flags.user === undefined ? {} : { User: flags.user }),
        ...(flags.workdir === undefined ? {} : { WorkingDir: flags.workdir }),
      },
      signal,
    );
    if (flags.detach) {
      await client.exec.startDetached(exec.Id, { Tty: false }, signal);
      return 0;
    }
    const stream = await client.exec.start(exec.Id, { Tty: tty }, signal);
    // With a terminal of its own Ctrl-C reaches the process as a key; without, the first one leaves it.
    const release = tty ? interrupts.handle((name) => name === 'SIGINT') : () => undefined;
    try {
      const resize = (size: { rows: number; columns: number }): Promise<void> =>
        client.exec.resize(exec.Id, size, signal);
      await joinTerminal(stream, terminal, { tty, interactive, resize });
    } finally {
      release();
    }
    return (await client.exec.inspect(exec.Id, signal)).ExitCode ?? 0;
  },
});

/** A key without a value is taken from our environment, and left out where that has none. */
function withValue(entry: string, environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  if (entry.includes('=')) return [entry];
  const value = environment[entry];
  return value === undefined ? [] : [`${entry}=${value}`];
}
