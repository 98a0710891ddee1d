import { environmentAtStart } from './world.js';

/**
 * Starts a server that outlives this process. Nobody waits for it: where it cannot run, commands go on as before.
 * @param program - JavaScript file that serves on the socket it is given
 */
export async function startServer(program: string, socketPath: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['--max-semi-space-size=4', '--', program, socketPath], {
    detached: true,
    stdio: 'ignore',
    cwd: '/', // keeps no folder of the user's busy
    env: environmentAtStart(process.env), // and none of the user's secrets
  });
  child.on('error', () => undefined);
  child.unref();
}
