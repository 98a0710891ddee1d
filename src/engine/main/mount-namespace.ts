import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { EngineSettings } from './settings.js';

/**
 * Runs this same program again in a mount namespace that only receives, and resolves to its exit code. Host mounts are
 * usually shared, so what the engine mounts would appear outside too (mount_namespaces(7)); and unshare(2) in a process
 * with threads moves only the caller, so a process cannot do that to itself.
 */
export function runInOwnMountNamespace({ readyFd }: Pick<EngineSettings, 'readyFd'>): Promise<number> {
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const hostMounts = openSync('/proc/self/ns/mnt', 'r');
  const child = spawn('unshare', ['--mount', '--propagation', 'slave', '--', ...command], {
    stdio: ['inherit', 'inherit', 'inherit', readyFd ?? 'ignore', hostMounts],
    env: {
      ...process.env,
      TSCOMPOSE_MOUNT_NAMESPACE: '1',
      TSCOMPOSE_HOST_MOUNTS_FD: '4',
      ...(readyFd === undefined ? {} : { TSCOMPOSE_READY_FD: '3' }),
    },
  });
  closeSync(hostMounts);
  if (readyFd !== undefined) closeSync(readyFd); // the child has it: whoever reads it should see its end
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGTERM', forward).on('SIGINT', forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
