import { timerMs } from '../../base/timer.js';

/** Ends an engine that nobody needs. */
export interface IdleWatch {
  /** Something ended just now: count from here. */
  touch(): void;
  /** For good: from now on it stays, whatever happens. */
  stop(): void;
  /** 0 when it stays. */
  timeoutMs(): number;
}

export interface IdleOptions {
  /** 0: never. */
  readonly timeoutMs: number;
  /** Requests in flight, containers, whatever keeps the engine. Asked only after a quiet time. */
  readonly isBusy: () => boolean;
  readonly onIdle: () => void;
}

/** Calls `onIdle` once, after `timeoutMs` without `touch` in which nothing was found busy. */
export function watchIdle({ timeoutMs, isBusy, onIdle }: IdleOptions): IdleWatch {
  let over = timeoutMs === 0;
  let timer: NodeJS.Timeout | undefined;
  const touch = () => {
    clearTimeout(timer);
    if (over) return;
    timer = setTimeout(look, timerMs(timeoutMs));
    timer.unref();
  };
  const look = () => {
    if (isBusy()) touch();
    else onIdle();
  };
  touch();
  return {
    touch,
    stop: () => {
      over = true;
      clearTimeout(timer);
    },
    timeoutMs: () => (over ? 0 : timeoutMs),
  };
}
