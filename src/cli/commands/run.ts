import { randomBytes } from 'node:crypto';
import {
  parsePublishFlag,
  parseVolumeFlag,
  readEnvFlags,
  splitCommandFlag,
  type Project,
} from '../../compose/index.js';
import { oneOffName, type OneOff, type OneOffChanges } from '../../plan/index.js';
import { defineCommand } from '../command.js';
import { openSession, type ContainerSession } from '../container-session.js';
import { flag, flagOn, list, text, type FlagValues } from '../flags.js';
import { lockFlags, withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { confirmRemoteProject } from '../remote-safety.js';
import { quietProgress, type Progress } from '../render/progress.js';
import { runUp } from '../run-plan.js';
import { excludeEachOther, imageOptions, orphanOptions } from '../shared-options.js';
import type { Terminal } from '../terminal.js';
import { removeUnstarted } from '../unstarted-one-off.js';

const runFlags = {
  build: flag('Build the image first'),
  capAdd: list('Add a capability', { placeholder: 'NAME' }),
  capDrop: list('Drop a capability', { placeholder: 'NAME' }),
  detach: flag('Start in the background and print the id of the container', { short: 'd' }),
  entrypoint: text('In place of the entrypoint', { placeholder: 'COMMAND' }),
  env: list('Set a variable; without a value it is taken from here', { short: 'e', placeholder: 'KEY[=VALUE]' }),
  envFromFile: list('Set the variables of a file', { placeholder: 'FILE' }),
  ...lockFlags,
  interactive: flagOn('Pass standard input on', { short: 'i' }),
  label: list('Set a label', { short: 'l', placeholder: 'KEY=VALUE', oldName: 'labels' }),
  name: text('Name of the container', { placeholder: 'NAME' }),
  noDeps: flag('Leave what the service needs alone'),
  noTty: flag('Give it no terminal, as when input or output is not one', { short: 'T', oldName: 'no-TTY' }),
  publish: list('Publish a port', { short: 'p', placeholder: '[HOST:]PORT' }),
  pull: text('When to pull: always, missing or never', {
    placeholder: 'WHEN',
    choices: ['always', 'missing', 'never'],
  }),
  quiet: flag('Do not show what is done', { short: 'q' }),
  quietBuild: flag('Do not show the steps of builds'),
  quietPull: flag('Do not show how pulls come along'),
  removeOrphans: flag('Remove containers of services the project no longer has'),
  rm: flag('Remove the container when it ends'),
  servicePorts: flag('Publish the ports of the service', { short: 'P' }),
  tty: flagOn('Give it a terminal', { short: 't', hidden: true }),
  useAliases: flag('Let it answer to the names of the service'),
  user: text('Run as this user', { short: 'u', placeholder: 'USER[:GROUP]' }),
  volume: list('Mount a volume or folder', {
    short: 'v',
    placeholder: '[SOURCE:]TARGET[:OPTIONS]',
    oldName: 'volumes',
  }),
  workdir: text('Run in this folder of the container', { short: 'w', placeholder: 'FOLDER' }),
  yes: flag('Answer every question with yes', { short: 'y', oldName: 'y' }),
} as const;

type RunFlags = FlagValues<typeof runFlags>;

export const runCommand = defineCommand({
  details:
    'In a new container of the service, after starting what it needs. The exit code is that of the command. Flags of ' +
    'tscompose end at the name of the service.',
  usage: 'SERVICE [COMMAND] [ARGS...]',
  stopsAtFirstArgument: true,
  flags: runFlags,
  run: async ({ flags, args: [service = '', ...command], context }) => {
    const { terminal, signal } = context;
    excludeEachOther('--publish', flags.publish.length > 0, '--service-ports', flags.servicePorts);
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices([service]);
    const project = await withLock(context, enableNamed(loaded, [service]), flags);
    await confirmRemoteProject(context, project, flags.yes ? 'assume yes' : 'ask');
    const oneOff = oneOffOf(project, service, command, flags, terminal);
    const options = {
      services: [service],
      oneOff,
      noDeps: flags.noDeps,
      ...imageOptions(flags.build, flags.pull),
      ...orphanOptions(flags.removeOrphans, project.environment),
    };
    const client = await context.engine();
    const progress = untilAttached(flags.quiet ? quietProgress : await context.progress('run'));
    let session: ContainerSession | undefined;
    const attach = async (containerId: string): Promise<void> => {
      await progress.end();
      const { interactive: stdin, autoRemove } = oneOff;
      const { tty } = oneOff.changes;
      session = await openSession(context, client, { containerId, tty, stdin, autoRemove, signals: true });
    };
    const quiet = { builds: flags.quietBuild, pulls: flags.quietPull };
    try {
      await runUp(context, { client, project, progress, signal, quiet, attach }, options);
    } catch (error) {
      await removeUnstarted(client, oneOff.slug).catch(() => undefined); // what went wrong before is what to tell
      throw error;
    }
    await progress.end();
    if (session !== undefined) return await session.ended;
    if (context.dryRun) return 0;
    const name = flags.name ?? oneOffName(project, service, oneOff.slug);
    const { Id } = await client.containers.inspect(name, signal);
    terminal.stdout.write(`${Id}\n`);
    return 0;
  },
});

/** Once our terminal belongs to the container, nothing is drawn there any more. */
function untilAttached(progress: Progress): Progress {
  let open = true;
  return {
    report: (event) => {
      if (open) progress.report(event);
    },
    note: (text) => {
      progress.note(text);
    },
    end: async () => {
      open = false;
      await progress.end();
    },
  };
}

function oneOffOf(
  project: Project,
  service: string,
  command: readonly string[],
  flags: RunFlags,
  { stdin, stdout, environment, cwd }: Terminal,
): OneOff {
  const definition = project.model.services[service];
  const interactive = flags.interactive;
  const tty = !flags.noTty && flags.tty && stdout.isTTY === true && (flags.detach || stdin.isTTY === true);
  const given = flags.env.map((entry) => variable(entry, environment));
  const changes: OneOffChanges = {
    tty,
    environment: {
      ...Object.fromEntries(readEnvFlags(flags.envFromFile, project.environment, cwd)),
      ...Object.fromEntries(given),
    },
    labels: Object.fromEntries(flags.label.map((entry) => keyAndValue(entry))),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    volumes: flags.volume.map((spec) =>
      parseVolumeFlag(spec, project.workingDir, project.environment['HOME'] || '/root'),
    ),
    ports: flags.servicePorts ? 'declared' : flags.publish.flatMap(parsePublishFlag),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(command.length === 0 ? {} : { command }),
    ...(flags.entrypoint === undefined ? {} : { entrypoint: splitCommandFlag('--entrypoint', flags.entrypoint) }),
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(flags.workdir === undefined ? {} : { workingDir: flags.workdir }),
  };
  return {
    service,
    slug: randomBytes(32).toString('hex'),
    changes: definition?.tty === true && stdout.isTTY === true && !flags.noTty ? { ...changes, tty: true } : changes,
    attached: !flags.detach,
    interactive,
    autoRemove: flags.rm,
    useAliases: flags.useAliases,
  };
}

/** A key without a value is taken from our environment; null where that has none. */
function variable(
  entry: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly [string, string | null] {
  const [key, value] = keyAndValue(entry);
  return entry.includes('=') ? [key, value] : [key, environment[key] ?? null];
}

function keyAndValue(entry: string): readonly [string, string] {
  const separator = entry.indexOf('=');
  return separator < 0 ? [entry, ''] : [entry.slice(0, separator), entry.slice(separator + 1)];
}
