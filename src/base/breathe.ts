/** Longest stretch of synchronous work before other requests get their turn. */
const sliceMs = 8;

/**
 * Lets long loops use the synchronous file calls, which are about ten times cheaper than their promises for small
 * files, without holding up the engine: await it in the loop, it yields when a slice of time is used up.
 * @throws the abort reason, after a pause
 */
export function breather(signal?: AbortSignal): () => Promise<void> | undefined {
  let sliceEnd = performance.now() + sliceMs;
  return () => {
    if (performance.now() < sliceEnd) return undefined;
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      signal?.throwIfAborted();
      sliceEnd = performance.now() + sliceMs;
    });
  };
}
