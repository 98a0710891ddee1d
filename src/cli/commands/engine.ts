import type { CommandGroup } from '../command.js';

export const engineCommands: CommandGroup = {
  details:
    'The embedded engine is a process of its own, one per data folder. Commands start it when they need it; it ends ' +
    'by itself when it has long had nothing to do. TSCOMPOSE_DATA_ROOT and TSCOMPOSE_RUNTIME_DIR move its folders.',
  subcommands: [
    {
      name: 'info',
      summary: 'Show what the engine knows of itself and the machine',
      load: async () => (await import('./engine-info.js')).engineInfoCommand,
    },
    {
      name: 'run',
      summary: 'Run the engine in the foreground until Ctrl-C',
      load: async () => (await import('./engine-run.js')).engineRunCommand,
    },
    {
      name: 'start',
      summary: 'Start the engine in the background',
      load: async () => (await import('./engine-start.js')).engineStartCommand,
    },
    {
      name: 'status',
      summary: 'Tell whether the engine runs, without starting it',
      load: async () => (await import('./engine-status.js')).engineStatusCommand,
    },
    {
      name: 'stop',
      summary: 'End the engine',
      load: async () => (await import('./engine-stop.js')).engineStopCommand,
    },
    {
      name: 'verify',
      summary: 'Read all images and layers and compare them with their digests',
      load: async () => (await import('./engine-verify.js')).engineVerifyCommand,
    },
  ],
};
