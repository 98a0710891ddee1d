import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The compose room loads validators that are compiled from schemas/; tests need them without a build. */
export function setup(): void {
  const script = fileURLToPath(new URL('../../scripts/compile-schemas.mjs', import.meta.url));
  execFileSync(process.execPath, [script], { stdio: 'inherit' });
}
