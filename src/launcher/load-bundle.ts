import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

declare const TSCOMPOSE_BUNDLE: string;
declare const TSCOMPOSE_BUILD_ID: string;

/** Time enough for a resident process to have compiled what it runs. */
const residentMs = 3_000;

export const buildId = TSCOMPOSE_BUILD_ID;
export const bundleFile = join(__dirname, TSCOMPOSE_BUNDLE);

/**
 * Runs the bundle beside the launcher with V8's code cache, which halves the start-up, and gives its exports (the engine has none). The caches
 * are files beside the bundle, made by the first run that may write there (the build is one); a cache of another Node or
 * another build is passed over.
 * @param part - of the program that this process will use; each has a cache of its own, with just that, and all of it; until it is
 *   made, and where it cannot be, the one of the build serves
 */
export function loadBundle(part = ''): typeof import('../main.js') {
  const common = `${bundleFile}-${buildId}-${process.version}-${process.arch}`;
  const cacheFile = part === '' ? `${common}.cache` : `${common}-${part}.cache`;
  const own = readOrNothing(cacheFile);
  const cachedData = own ?? readOrNothing(`${common}.cache`);
  // esbuild writes pure ASCII, so latin1 is right, faster to decode and half the size in memory.
  const script = new Script(
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(bundleFile, 'latin1')}\n})`,
    { filename: bundleFile, ...(cachedData === undefined ? {} : { cachedData }) },
  );
  if (own === undefined || script.cachedDataRejected === true) saveCacheOnce(script, cacheFile);
  const load = script.runInThisContext() as (...scope: unknown[]) => void;
  const bundle: { exports: unknown } = { exports: {} };
  load(bundle.exports, require, bundle, bundleFile, __dirname);
  return bundle.exports as typeof import('../main.js');
}

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // the first run, or a place we may not read: start without
  }
}

function saveCacheOnce(script: Script, cacheFile: string): void {
  let saved = false;
  const save = (): void => {
    if (saved) return;
    saved = true;
    try {
      const temporary = `${cacheFile}.${process.pid}`;
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, cacheFile);
    } catch {
      // a read-only installation: it only starts slower
    }
  };
  process.once('exit', save);
  setTimeout(save, residentMs).unref();
}
