import { Changes, type ServiceChanges } from './changes.js';
import type { WatchRule } from './rules.js';
import { TreeWatch } from './tree-watch.js';

/** A batch is due after this much quiet, or this long after its first change. */
const quietMs = 10;
const longestMs = 60;
/** So many events without a pause may have overflown the kernel's queue; after a pause all is looked at again. */
const stormEvents = 4_000;
const calmMs = 200;
/** Times of files are those of the last tick of the kernel's clock. */
const tickMs = 20;

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
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  let wake: () => void = () => undefined;
  let firstMs = 0;
  let lastMs = 0;
  /** Events since the last calm; all that changed before `knownMs` was told and looked at. */
  const busy = { events: 0, lastMs: 0, knownMs: Date.now() };
  const noted = (path: string): void => {
    const nowMs = Date.now();
    busy.events += 1;
    busy.lastMs = nowMs;
    if (!rules.some((rule) => rule.inside(path) !== undefined)) return;
    lastMs = nowMs;
    if (changes.empty) firstMs = lastMs;
    changes.add(path);
    wake();
  };

  /** Sleeps until something happens or the time has come. */
  const pause = async (ms: number | undefined): Promise<void> => {
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        stopped.removeEventListener('abort', done);
        resolve();
      }
      wake = done;
      stopped.addEventListener('abort', done);
    });
  };

  /** Ends a time of many events; after a storm what is unlike what was looked at is a change, too. */
  const calm = (tree: TreeWatch): void => {
    const { events, knownMs, lastMs: toldMs } = busy;
    Object.assign(busy, { events: 0, knownMs: toldMs });
    if (events >= stormEvents) tree.compare(knownMs - tickMs, (path, ctimeMs) => changes.wasTaken(path, ctimeMs));
    changes.forgetTaken();
  };

  const step = async (tree: TreeWatch): Promise<void> => {
    const nowMs = Date.now();
    const batchMs = changes.empty ? Infinity : Math.min(lastMs + quietMs, firstMs + longestMs) - nowMs;
    const restMs = busy.events === 0 ? Infinity : busy.lastMs + calmMs - nowMs;
    if (batchMs <= 0) await onBatch(changes.take());
    else if (restMs <= 0) calm(tree);
    else await pause(batchMs === Infinity && restMs === Infinity ? undefined : Math.min(batchMs, restMs));
  };

  let tree: TreeWatch | undefined;
  const open = (): TreeWatch =>
    new TreeWatch({
      roots: [...new Set(rules.map(({ path }) => path))],
      prunes: (path) => {
        const near = rules.filter((rule) => path === rule.path || path.startsWith(`${rule.path}/`));
        return near.length > 0 && near.every((rule) => rule.prunes(path));
      },
      onChange: noted,
      onFailure: (error) => {
        failed.abort(error);
      },
    });
  const opened = Promise.resolve().then(() => {
    tree = open();
  });

  const run = async (): Promise<void> => {
    try {
      await opened;
      const initial = changes.initial();
      if (initial.length > 0) await onBatch(initial);
      while (!stopped.aborted && tree !== undefined) await step(tree);
    } finally {
      tree?.close();
    }
    stopped.throwIfAborted();
  };
  const ended = run();
  ended.catch(() => undefined); // the caller may look later
  return { opened, ended };
}
