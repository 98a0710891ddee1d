import { Changes, type ServiceChanges } from './changes.js';
import type { WatchRule } from './rules.js';
import { TreeWatch } from './tree-watch.js';

/** A batch is due after this much quiet, or this long after its first change. */
const quietMs = 10;
const longestMs = 60;
/** So many events without a pause may have overflown the kernel's queue. */
const stormEvents = 4_000;
/** After so much quiet, what may have been missed is looked for. */
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
  const busy = { events: 0, lastMs: 0, knownMs: Date.now(), folders: false };
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

  const tree = new TreeWatch({
    roots: [...new Set(rules.map(({ path }) => path))],
    prunes: (path) => {
      const near = rules.filter((rule) => path === rule.path || path.startsWith(`${rule.path}/`));
      return near.length > 0 && near.every((rule) => rule.prunes(path));
    },
    onChange: noted,
    onFolder: () => {
      busy.folders = true;
    },
    onFailure: (error) => {
      failed.abort(error);
    },
  });

  /** Ends a time of events; after a storm, or a new folder, what is unlike what was looked at is a change, too. */
  const calm = (): void => {
    const { events, folders, knownMs, lastMs: toldMs } = busy;
    Object.assign(busy, { events: 0, folders: false, knownMs: toldMs });
    if (folders || events >= stormEvents)
      tree.compare(knownMs - tickMs, (path, ctimeMs) => changes.wasTaken(path, ctimeMs));
    changes.forgetTaken();
  };

  const step = async (): Promise<void> => {
    const nowMs = Date.now();
    const batchMs = changes.empty ? Infinity : Math.min(lastMs + quietMs, firstMs + longestMs) - nowMs;
    const restMs = busy.events === 0 ? Infinity : busy.lastMs + calmMs - nowMs;
    if (batchMs <= 0) await onBatch(changes.take());
    else if (restMs <= 0) calm();
    else await pause(batchMs === Infinity && restMs === Infinity ? undefined : Math.min(batchMs, restMs));
  };

  const run = async (): Promise<void> => {
    try {
      await tree.opened;
      const initial = changes.initial();
      if (initial.length > 0) await onBatch(initial);
      while (!stopped.aborted) await step();
    } finally {
      await tree.close();
    }
    stopped.throwIfAborted();
  };
  const ended = run();
  ended.catch(() => undefined); // the caller may look later
  return { opened: tree.opened, ended };
}
