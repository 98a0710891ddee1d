import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchIdle } from '../../../../src/engine/main/idle.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('an idle engine ends once, counted from the last touch', () => {
  const onIdle = vi.fn();
  const idle = watchIdle({ timeoutMs: 1_000, isBusy: () => false, onIdle });
  vi.advanceTimersByTime(900);
  idle.touch();
  vi.advanceTimersByTime(900);
  expect(onIdle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10_000);
  expect(onIdle).toHaveBeenCalledOnce();
});

test('a busy one is looked at again', () => {
  const onIdle = vi.fn();
  const isBusy = vi.fn().mockReturnValueOnce(true).mockReturnValue(false);
  watchIdle({ timeoutMs: 1_000, isBusy, onIdle });
  vi.advanceTimersByTime(1_500);
  expect(onIdle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_500);
  expect(onIdle).toHaveBeenCalledOnce();
});

test.each([
  ['was told to', 1_000],
  ['never counts', 0],
])('one that stays because it %s stays, whatever is touched', (_why, timeoutMs) => {
  const onIdle = vi.fn();
  const idle = watchIdle({ timeoutMs, isBusy: () => false, onIdle });
  idle.stop();
  idle.touch();
  vi.advanceTimersByTime(60_000);
  expect(onIdle).not.toHaveBeenCalled();
  expect(idle.timeoutMs()).toBe(0);
});
