import type { Entry } from '../entry.js';
import type { EngineProcess } from '../../server/engine-process.js';
import type { Run } from '../run.js';

/** One line of the security page: a default, how it is looked at, and how it stands beside a dockerd. */
export interface Rule {
  readonly section: string;
  /** What holds, in a sentence. */
  readonly rule: string;
  /** The container that it is looked at from: see `Entry`. */
  readonly entry?: Omit<Partial<Entry>, 'expected' | 'attribute' | 'fields' | 'effect'>;
  /** Looked at on the host instead; only for the embedded engine. */
  readonly host?: (engine: EngineProcess, run: Run) => Promise<string>;
  readonly expected: string | RegExp;
  /**
   * Whether what is seen here is at least as strict as what a dockerd shows; absent: it must be the same. `none` where a
   * dockerd has nothing of the kind.
   */
  readonly notLaxerThan?: ((ours: string, theirs: string) => boolean) | 'none';
}

/** Every line of ours is one of theirs: what may be used. */
export function onlyLinesOf(ours: string, theirs: string): boolean {
  const allowed = new Set(theirs.split('\n'));
  return ours.split('\n').every((line) => line === '' || allowed.has(line));
}

/** Every line of theirs is one of ours: what is hidden, or separate. */
export function allLinesOf(ours: string, theirs: string): boolean {
  return onlyLinesOf(theirs, ours);
}

/** Masks of capabilities, line by line: no bit of ours that is not theirs. */
export function onlyBitsOf(ours: string, theirs: string): boolean {
  const masks = (text: string) => [...text.matchAll(/[0-9a-f]{16}/g)].map(([mask]) => BigInt(`0x${mask}`));
  const [own, other] = [masks(ours), masks(theirs)];
  return own.length === other.length && own.every((mask, index) => (mask & ~(other[index] ?? 0n)) === 0n);
}
