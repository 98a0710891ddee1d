import { expect, test } from 'vitest';
import { settleAll } from '../../../src/base/settle-all.js';

test('all have ended before the first failure is told', async () => {
  const ended: string[] = [];
  const slow = new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => void ended.push('slow'));
  await expect(settleAll([slow, Promise.reject(new Error('a')), Promise.reject(new Error('b'))])).rejects.toThrow('a');
  expect(ended).toEqual(['slow']);
  expect(await settleAll([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2]);
});
