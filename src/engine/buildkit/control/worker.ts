import { hostname } from 'node:os';
import type { Message } from '../wire/message.js';
import type { workerRecord } from '../wire/control.js';

type Worker = Partial<typeof workerRecord extends Message<infer T> ? T : never>;

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' };

export function buildkitVersion(version: string): { package: string; version: string } {
  return { package: 'tscompose', version: `v${version}` };
}

/** This engine as the one worker there is. */
export function workerOf(version: string): Worker {
  const architecture = architectures[process.arch] ?? process.arch;
  return {
    id: hostname(),
    platforms: [{ architecture, os: 'linux' }],
    version: buildkitVersion(version),
  };
}
