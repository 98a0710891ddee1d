import { pipeline } from 'node:stream/promises';
import { dialEngine } from '../../client/index.js';
import { defineCommand } from '../command.js';
import { chooseEngine } from '../engine/choose.js';
import { addressOf } from '../engine/connect.js';
import { drained } from '../terminal.js';

export const systemDialStdioCommand = defineCommand({
  details:
    'What DOCKER_HOST=ssh://HOST runs on that host, one for each connection: bytes go to the engine as they are and ' +
    'its own come back. The embedded engine is started when needed.',
  usage: '',
  flags: {},
  run: async ({ context: { globals, terminal, signal, warn } }) => {
    const choice = chooseEngine(globals, terminal, warn);
    const connection = await dialEngine(await addressOf(choice, terminal, signal));
    signal.addEventListener('abort', () => connection.destroy(), { once: true });
    // The end of our input is the engine's; that the engine goes first is told by its output.
    pipeline(terminal.stdin, connection, { end: true }).catch(() => undefined);
    for await (const chunk of connection as AsyncIterable<Buffer>) {
      if (!terminal.stdout.write(chunk)) await drained(terminal.stdout);
    }
    terminal.stdin.pause();
    return 0;
  },
});
