import { defineCommand } from '../command.js';
import { runEngine } from '../engine/launch.js';
import { enginePaths } from '../engine/paths.js';

export const engineRunCommand = defineCommand({
  details: 'Its log goes to standard error. For service managers and for looking at it closely.',
  usage: '',
  flags: {},
  run: async ({ context: { terminal, interrupts } }) => {
    const engine = await runEngine(enginePaths(terminal), terminal);
    const release = interrupts.handle(() => {
      engine.terminate();
      return true;
    });
    try {
      return await engine.exited;
    } finally {
      release();
    }
  },
});
