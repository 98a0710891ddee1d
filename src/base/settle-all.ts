/** Waits until nothing is running any more, also where some has failed. @throws what failed first, in their order */
export async function settleAll<Result>(work: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
