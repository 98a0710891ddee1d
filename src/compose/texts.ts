import { readSource } from './documents.js';
import { findSetting, type LoadOptions } from './load.js';

/** A compose file as it stands on disk; `-` is standard input. */
export interface ComposeText {
  readonly path: string;
  readonly text: string;
}

/** The texts of the files a project would be loaded from, without what they include or extend. */
export async function findComposeTexts(options: LoadOptions): Promise<readonly ComposeText[]> {
  const { inputs, context } = await findSetting(options);
  const texts = inputs.flatMap(({ path }) => {
    const source = readSource(path, context, undefined);
    return source === undefined ? [] : [{ path, text: source.text }];
  });
  context.problems.throwIfAny();
  return texts;
}
