import { defineCommand } from '../command.js';

export const engineInfoCommand = defineCommand({
  details: "Prints the Engine API's /info of the chosen engine as JSON; the embedded engine is started when needed.",
  usage: '',
  flags: {},
  run: async ({ context }) => {
    const client = await context.engine();
    context.terminal.stdout.write(`${JSON.stringify(await client.info(context.signal), undefined, 2)}\n`);
    return 0;
  },
});
