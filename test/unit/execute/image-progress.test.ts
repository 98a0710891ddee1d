import { expect, test } from 'vitest';
import type { ProgressMessage } from '../../../src/api/image.js';
import { reportMessages } from '../../../src/execute/image-progress.js';
import { OutputTail } from '../../../src/execute/output-tail.js';
import type { ProgressEvent } from '../../../src/execute/progress.js';

test('of a long output the last lines are kept, and none where none are wanted', () => {
  for (const [limit, kept] of [
    [2, ['b', 'c']],
    [1, ['c']],
    [0, []],
  ] as const) {
    const tail = new OutputTail(limit);
    expect(['a\nb', '\nc'].flatMap((text) => tail.push(text))).toEqual(['a', 'b']);
    expect(tail.lines).toEqual(kept);
    expect(tail.end()).toEqual(['c']);
    expect(tail.lines).toEqual(kept);
    expect(tail.end()).toEqual([]);
  }
});

test('the last line of a build is told also without a line end', async () => {
  async function* messages(): AsyncGenerator<ProgressMessage> {
    yield* [{ stream: 'Step 1/1 : ' }, { stream: 'FROM x\nalmost' }, { stream: ' done' }];
    return Promise.resolve();
  }
  const events: ProgressEvent[] = [];
  await reportMessages(messages(), 'Image x', (event) => events.push(event));
  expect(events.map(({ detail }) => detail)).toEqual(['Step 1/1 : FROM x', 'almost done']);
});
