import { invalidUsage } from '../base/invalid-usage.js';

/** What was given for a flag, where only a few words are known. @throws `usage/invalid` that names them */
export function choiceOf<const Word extends string>(flag: string, given: string, words: readonly Word[]): Word {
  const known = words.find((word) => word === given);
  if (known !== undefined) return known;
  const [last, ...others] = words.toReversed();
  const list =
    others.length === 1 ? `neither ${others[0]} nor ${last}` : `none of ${others.toReversed().join(', ')} and ${last}`;
  throw invalidUsage(flag, `${flag}: "${given}" is ${list}`);
}
