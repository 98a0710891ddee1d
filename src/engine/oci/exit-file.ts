import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readIfPresent } from '../../base/durable-file.js';
import { asError } from '../../base/errors.js';

/** The exit code in a monitor's exit file, undefined while there is none. */
export async function readExitCode(path: string): Promise<number | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined || text.trim() === '') return undefined;
  const code = Number(text);
  return Number.isInteger(code) ? code : undefined;
}

/** Waits for one exit file. Many containers share a watch instead: see the containers room. */
export async function waitForExit(path: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(path), (_event, name) => {
      if (name === basename(path)) look(); // it comes by rename from another name
    });
    const abort = () => {
      watcher.close();
      reject(asError(signal.reason));
    };
    const look = () => {
      readExitCode(path).then((code) => {
        if (code === undefined) return;
        watcher.close();
        signal.removeEventListener('abort', abort);
        resolve(code);
      }, reject);
    };
    signal.addEventListener('abort', abort, { once: true });
    look();
  });
}
