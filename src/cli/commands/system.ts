import type { CommandGroup } from '../command.js';

export const systemCommands: CommandGroup = {
  subcommands: [
    {
      name: 'dial-stdio',
      summary: "Join standard input and output to the engine's socket",
      load: async () => (await import('./system-dial-stdio.js')).systemDialStdioCommand,
    },
  ],
};
