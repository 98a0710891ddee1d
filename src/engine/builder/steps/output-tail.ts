const maxBytes = 8 * 1024;
const maxLines = 20;

/** The last lines of an output, for the error about it. */
export interface OutputTail {
  push(chunk: Buffer): void;
  text(): string;
}

export function createTail(): OutputTail {
  let kept = Buffer.alloc(0);
  return {
    push: (chunk) => {
      kept = Buffer.concat([kept, chunk]).subarray(-maxBytes);
    },
    text: () => kept.toString().trimEnd().split('\n').slice(-maxLines).join('\n'),
  };
}
