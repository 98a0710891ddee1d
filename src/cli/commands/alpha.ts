import type { CommandGroup } from '../command.js';

export const alphaCommands: CommandGroup = {
  details: 'Under the names that docker compose has them; graph draws better pictures than viz.',
  subcommands: [
    {
      name: 'generate',
      summary: 'Write a compose file that describes existing containers',
      load: async () => (await import('./alpha-generate.js')).alphaGenerateCommand,
    },
    {
      name: 'publish',
      summary: 'Another name of publish',
      load: async () => (await import('./publish.js')).publishCommand,
    },
    {
      name: 'viz',
      summary: 'Print the dependencies as a graph for Graphviz',
      load: async () => (await import('./alpha-viz.js')).alphaVizCommand,
    },
  ],
};
