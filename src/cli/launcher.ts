/**
 * Entry of `dist/tscompose.cjs` and `dist/engine.cjs`: runs the bundle beside it with V8's code cache, which halves the
 * start-up. The caches are files beside the bundle, made by the first run that may write there (the build is one);
 * a cache of another Node or another build is passed over.
 *
 * `dist/tscompose.cjs` starts with a few words of shell (scripts/build.mjs), for two things Node decides before any
 * code of ours runs: it parses every certificate of NODE_EXTRA_CA_CERTS (65 ms), and it takes an `--env-file` anywhere
 * in the arguments for its own unless they stand behind `--`.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';

declare const TSCOMPOSE_BUNDLE: string;
declare const TSCOMPOSE_BUILD_ID: string;

/** Time enough for a resident process to have compiled what it runs. */
const residentMs = 3_000;

const bundle = join(__dirname, TSCOMPOSE_BUNDLE);
const cacheFile = `${bundle}-${TSCOMPOSE_BUILD_ID}-${process.version}-${process.arch}${part()}.cache`;
const cachedData = readOrNothing(cacheFile);
// esbuild writes pure ASCII, so latin1 is right, faster to decode and half the size in memory.
const script = new Script(
  `(function (exports, require, module, __filename, __dirname) {${readFileSync(bundle, 'latin1')}\n})`,
  { filename: bundle, ...(cachedData === undefined ? {} : { cachedData }) },
);
if (cachedData === undefined || script.cachedDataRejected === true) saveCacheOnce();
const load = script.runInThisContext() as (...scope: unknown[]) => void;
load(exports, require, module, bundle, __dirname);

/** Commands run often have a cache of their own: with just what they need compiled, and all of it. */
function part(): string {
  const frequent = ['build', 'config', 'down', 'exec', 'logs', 'ps', 'restart', 'start', 'stop', 'up'];
  const command = process.argv.slice(2).find((word) => frequent.includes(word));
  return command === undefined ? '' : `-${command}`;
}

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // the first run, or a place we may not read: start without
  }
}

function saveCacheOnce(): void {
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
