import type { ImagePin, LockedService, LockFile } from './document.js';

/** One entry that is not the same in two locks. */
export interface LockChange {
  /** Undefined for a compose file, which is the whole project's. */
  readonly service: string | undefined;
  readonly kind: 'image' | 'base' | 'commit' | 'file';
  readonly entry: string;
  /** Undefined: it is new. */
  readonly before: string | undefined;
  /** Undefined: it is gone. */
  readonly after: string | undefined;
}

/** In the order of the file. */
export function diffLocks(before: LockFile, after: LockFile): readonly LockChange[] {
  const services = [...new Set([...Object.keys(before.services), ...Object.keys(after.services)])].sort();
  const compare = (service: string | undefined, old: Map<string, Flat>, now: Map<string, Flat>): LockChange[] => {
    const keys = [...new Set([...old.keys(), ...now.keys()])];
    return keys.flatMap((key): LockChange[] => {
      const [one, other] = [old.get(key), now.get(key)];
      if (one?.whole === other?.whole) return [];
      const { kind, entry } = one ?? other ?? { kind: 'image', entry: key };
      return [{ service, kind, entry, before: one?.shown, after: other?.shown }];
    });
  };
  return [
    ...compare(undefined, files(before), files(after)),
    ...services.flatMap((one) => compare(one, flat(before.services[one]), flat(after.services[one]))),
  ];
}

interface Flat {
  readonly kind: LockChange['kind'];
  readonly entry: string;
  readonly shown: string;
  readonly whole: string;
}

function files({ remotes }: LockFile): Map<string, Flat> {
  return new Map(
    Object.entries(remotes).map(([entry, pin]) => [entry, { kind: 'file', entry, shown: pin, whole: pin } as const]),
  );
}

function flat(service: LockedService | undefined): Map<string, Flat> {
  const { images, bases, commits } = service ?? { images: {}, bases: {}, commits: {} };
  const ofPin =
    (kind: Flat['kind']) =>
    ([entry, pin]: [string, ImagePin]): Flat => {
      const platforms = 'local' in pin ? [] : Object.entries(pin.platforms).sort(([a], [b]) => (a < b ? -1 : 1));
      const shown = 'local' in pin ? `${pin.local} (only here)` : pin.digest;
      return { kind, entry, shown, whole: JSON.stringify([shown, platforms]) };
    };
  const all = [
    ...Object.entries(images).map(ofPin('image')),
    ...Object.entries(bases).map(ofPin('base')),
    ...Object.entries(commits).map(([entry, commit]): Flat => ({
      kind: 'commit',
      entry,
      shown: commit,
      whole: commit,
    })),
  ];
  return new Map(all.map((one) => [`${one.kind} ${one.entry}`, one]));
}

/** `~ web  image nginx:1.25  sha256:… → sha256:…` */
export function renderChange({ service, kind, entry, before, after }: LockChange): string {
  const what = `${service === undefined ? '' : `${service}  `}${kind} ${entry}`;
  if (before === undefined) return `+ ${what}  ${after ?? ''}`;
  if (after === undefined) return `- ${what}  ${before}`;
  return `~ ${what}  ${before} → ${before === after ? 'other platforms' : after}`;
}
