import { resolve } from 'node:path';

/** Where the server of an environment listens: beside the embedded engine's socket. */
export function relaySocket(environment: Readonly<Record<string, string | undefined>>, cwd: string): string {
  return resolve(cwd, environment['TSCOMPOSE_RUNTIME_DIR'] || '/run/tscompose', 'commands.sock');
}

/** `TSCOMPOSE_COMMAND_SERVER=0`: every command in a process of its own. */
export function isRelayOff(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment['TSCOMPOSE_COMMAND_SERVER'] === '0';
}

/** Commands that are short, and so gain from a server; which of their forms do, their definitions know. */
export const relayedCommands: ReadonlySet<string> = new Set([
  'build',
  'config',
  'convert',
  'create',
  'down',
  'exec',
  'images',
  'kill',
  'logs',
  'ls',
  'pause',
  'plan',
  'port',
  'ps',
  'restart',
  'rm',
  'scale',
  'start',
  'stop',
  'top',
  'unpause',
  'up',
  'volumes',
  'wait',
  'why',
]);
