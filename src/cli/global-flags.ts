import { flag, integer, list, text, type FlagValues } from './flags.js';
import { ansiChoices } from './render/style.js';

/** Flags before the command. The docker root flags at the end are those of `docker` itself. */
export const globalFlags = {
  allResources: flag('Keep networks, volumes and the like that no service uses'),
  ansi: text('Colours and cursor movement: never, always or auto', {
    placeholder: 'WHEN',
    choices: ansiChoices,
  }),
  compatibility: flag('Name containers with _ as docker-compose v1 did'),
  context: text('Docker context whose engine to use', { placeholder: 'NAME' }),
  debug: flag('Log what happens to stderr', { short: 'D', oldName: 'verbose', hidden: true }),
  dryRun: flag('Print what would be done, change nothing'),
  envFile: list('Use this env file and not .env', { placeholder: 'FILE' }),
  errorFormat: text('How failures are written: text or json', { placeholder: 'FORMAT', choices: ['text', 'json'] }),
  file: list('Compose file; - reads stdin', { short: 'f', placeholder: 'FILE' }),
  host: text('Engine to use, such as unix:///var/run/docker.sock', { short: 'H', placeholder: 'URL' }),
  insecureRegistry: list('Registry to reach without TLS', { hidden: true }),
  logLevel: text('Log level', { hidden: true }),
  noAnsi: flag('Old form of --ansi never', { hidden: true }),
  parallel: integer('Operations on the engine at one time; -1 sets no limit'),
  profile: list('Activate a profile; * activates all', { placeholder: 'PROFILE' }),
  progress: text('How progress is shown: auto, tty, plain, json or quiet', {
    placeholder: 'STYLE',
    choices: ['auto', 'tty', 'plain', 'json', 'quiet'],
  }),
  projectDirectory: text('Folder relative paths start from', { oldName: 'workdir', placeholder: 'FOLDER' }),
  projectName: text('Name of the project', { short: 'p', placeholder: 'NAME' }),
  tls: flag('Use TLS', { hidden: true }),
  tlscacert: text('Certificate authority', { hidden: true }),
  tlscert: text('Client certificate', { hidden: true }),
  tlskey: text('Client key', { hidden: true }),
  tlsverify: flag('Use TLS and check the engine', { hidden: true }),
  version: flag('Print the version', { short: 'v' }),
} as const;

export type GlobalValues = FlagValues<typeof globalFlags>;

/** Accepted behind any command as well. */
export const persistentFlags = { dryRun: { ...globalFlags.dryRun, hidden: true } } as const;
