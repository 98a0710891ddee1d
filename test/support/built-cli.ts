import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** vitest's globalSetup of the cli and engine projects: builds dist/ once a run. `npm test` has built already. */
export function setup(): void {
  if (process.env['TSCOMPOSE_BUILT'] === '1') return;
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.env['TSCOMPOSE_BUILT'] = '1'; // both projects ask
}
