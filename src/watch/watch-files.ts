import { watch, type FSWatcher } from 'chokidar';
import { Changes, type ServiceChanges } from './changes.js';
import type { WatchRule } from './rules.js';

/** A batch is due after this much quiet, or this long after its first change. */
const quietMs = 20;
const longestMs = 60;

export interface FileWatch {
  /** From here on no change is missed. Rejects when a path cannot be watched. */
  readonly opened: Promise<void>;
  /** Settles when `signal` fires or a batch fails, with that. */
  readonly ended: Promise<void>;
}

/** Calls `onBatch` with what changed, one batch after the other; what changes meanwhile is in the next one. */
export function watchFiles(
  rules: readonly WatchRule[],
  onBatch: (changes: readonly ServiceChanges[]) => Promise<void>,
  signal: AbortSignal,
): FileWatch {
  const changes = new Changes(rules);
  let wake: () => void = () => undefined;
  let firstMs = 0;
  let lastMs = 0;
  const watcher = open(rules, (path) => {
    if (!rules.some((rule) => rule.inside(path) !== undefined)) return;
    lastMs = Date.now();
    if (changes.empty) firstMs = lastMs;
    changes.add(path);
    wake();
  });
  const opened = new Promise<void>((resolve, reject) => {
    watcher.on('ready', resolve).on('error', reject);
  });

  /** Sleeps until something happens or the time has come. */
  const pause = async (ms: number | undefined): Promise<void> => {
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      wake = done;
      signal.addEventListener('abort', done, { once: true });
    });
  };

  const run = async (): Promise<void> => {
    try {
      await opened;
      const initial = changes.initial();
      if (initial.length > 0) await onBatch(initial);
      while (!signal.aborted) {
        if (changes.empty) {
          await pause(undefined);
          continue;
        }
        const dueMs = Math.min(lastMs + quietMs, firstMs + longestMs);
        const restMs = dueMs - Date.now();
        if (restMs > 0) await pause(restMs);
        else await onBatch(changes.take());
      }
    } finally {
      await watcher.close();
    }
    signal.throwIfAborted();
  };
  const ended = run();
  ended.catch(() => undefined); // the caller may look later
  return { opened, ended };
}

function open(rules: readonly WatchRule[], onChange: (path: string) => void): FSWatcher {
  const paths = [...new Set(rules.map(({ path }) => path))];
  const watcher = watch(paths, {
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false, // paths are looked at again anyway
    ignored: (path) => {
      const near = rules.filter((rule) => path === rule.path || path.startsWith(`${rule.path}/`));
      return near.length > 0 && near.every((rule) => rule.prunes(path));
    },
  });
  return watcher.on('all', (_event, path) => {
    onChange(path);
  });
}
