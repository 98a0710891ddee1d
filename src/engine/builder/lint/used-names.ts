import { expandWord, ExpansionFailure } from '../dockerfile/expand.js';

export interface UsedName {
  readonly name: string;
  /** With a modifier that says what is to be where it is not set. */
  readonly guarded: boolean;
}

/** The variables that some words use, each once. */
export function usedNames(words: readonly string[], escape: string): UsedName[] {
  const used = new Map<string, boolean>();
  for (const word of words) {
    const note = (name: string, guarded = false): undefined => {
      if (/^[A-Za-z_]/.test(name)) used.set(name, guarded && (used.get(name) ?? true));
    };
    try {
      expandWord(word, note, { escape });
    } catch (error) {
      if (!(error instanceof ExpansionFailure)) throw error; // the build itself says so
    }
  }
  return [...used].map(([name, guarded]) => ({ name, guarded }));
}
