import { timerMs } from '../../base/timer.js';

/** Ends an engine that nobody needs. */
export interface IdleWatch {
  /** Something ended just now: count from here. */
  touch(): void;
  stop(): void;
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
  if (timeoutMs === 0) return { touch: () => undefined, stop: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  const touch = () => {
    clearTimeout(timer);
    timer = setTimeout(look, timerMs(timeoutMs));
    timer.unref();
  };
  const look = () => {
    if (isBusy()) touch();
    else onIdle();
  };
  touch();
  return { touch, stop: () => clearTimeout(timer) };
}
