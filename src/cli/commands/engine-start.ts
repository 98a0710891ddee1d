import { defineCommand } from '../command.js';
import { connectChosen } from '../engine/connect.js';
import { enginePaths } from '../engine/paths.js';

export const engineStartCommand = defineCommand({
  details:
    'It stays until "engine stop", also one that another command started and that would end when nothing runs. Prints ' +
    'the address of its socket, as DOCKER_HOST takes it.',
  usage: '',
  flags: {},
  run: async ({ context: { terminal, signal } }) => {
    const paths = enginePaths(terminal);
    const client = await connectChosen({ kind: 'embedded', paths }, terminal, signal);
    try {
      await client.stay(signal);
    } finally {
      client.close();
    }
    terminal.stdout.write(`unix://${paths.socket}\n`);
    return 0;
  },
});
