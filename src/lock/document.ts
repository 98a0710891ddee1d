import { isDigest } from '../base/digest.js';
import { TscomposeError } from '../base/errors.js';
import { type PlainData, plainYamlData, yamlText } from '../compose/index.js';
import './errors.js';

/** What a name of an image stands for. */
export type ImagePin =
  /** In a registry: the digest of the manifest or index, and that of each platform's manifest. */
  | { readonly digest: string; readonly platforms: Readonly<Record<string, string>> }
  /** In no registry: the id of the image on the machine where the lock was made. */
  | { readonly local: string };

/** Keys are what the compose file or the Dockerfile names: `nginx:1.25`, a git reference. */
export interface LockedService {
  /** Of the service itself, of its hooks and of images it mounts. */
  readonly images: Readonly<Record<string, ImagePin>>;
  /** Of its build: what stages start from and copy from. */
  readonly bases: Readonly<Record<string, ImagePin>>;
  /** Of git contexts of its build. */
  readonly commits: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly services: Readonly<Record<string, LockedService>>;
  /** Of compose files that are elsewhere: the commit or digest that a reference (`-f`, `include`, `extends`) stands for. */
  readonly remotes: Readonly<Record<string, string>>;
}

export const emptyLock: LockFile = { services: {}, remotes: {} };

export const lockFileName = 'compose.lock';

const header = `# What names of images and branches stand for in this project. Written by "tscompose lock": commit this file, and do not
# edit it. "tscompose lock --diff" shows what would change, "tscompose lock --update SERVICE" renews what a service uses.
`;

/** The same locks give the same bytes: everything is sorted, and nothing but what is locked is in it. */
export function renderLock({ services, remotes }: LockFile): string {
  const pin = (one: ImagePin): unknown =>
    'local' in one ? one : { ordered: [['digest', one.digest], ...filled('platforms', sorted(one.platforms))] };
  const pins = (all: Readonly<Record<string, ImagePin>>) => sorted(all, pin);
  const service = ({ images, bases, commits }: LockedService): unknown => ({
    ordered: [
      ...filled('images', pins(images)),
      ...filled('bases', pins(bases)),
      ...filled('commits', sorted(commits)),
    ],
  });
  return (
    header +
    yamlText({
      ordered: [['version', 1], ...filled('remotes', sorted(remotes)), ['services', sorted(services, service)]],
    })
  );
}

function filled(name: string, members: Ordered): (readonly [string, Ordered])[] {
  return members.ordered.length === 0 ? [] : [[name, members]];
}

interface Ordered {
  readonly ordered: readonly (readonly [string, unknown])[];
}

/** By code units, whatever the language of the machine. */
function sorted<Value>(
  values: Readonly<Record<string, Value>>,
  change: (value: Value) => unknown = (value) => value,
): Ordered {
  const entries = Object.entries(values).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  return { ordered: entries.map(([key, value]) => [key, change(value)] as const) };
}

/** @throws `lock/bad-file` */
export function parseLock(file: string, text: string): LockFile {
  const bad = (reason: string): TscomposeError<'lock/bad-file'> =>
    new TscomposeError({
      code: 'lock/bad-file',
      message: `cannot read ${file}: ${reason}`,
      facts: { file, reason },
      hint: 'was a conflict of a merge left in it? "tscompose lock" writes it anew',
    });
  const root = membersOf(plainYamlData(text));
  if (root === undefined) throw bad('it is not YAML as "tscompose lock" writes it');
  if (root['version'] !== '1') throw bad('it is not of version 1');
  const services = membersOf(root['services'] ?? {});
  if (services === undefined) throw bad('"services" is not a mapping');

  const pin = (where: string, value: PlainData): ImagePin => {
    const { local, digest, platforms = {} } = membersOf(value) ?? {};
    if (typeof local === 'string' && isDigest(local)) return { local };
    if (typeof digest !== 'string' || !isDigest(digest)) throw bad(`${where} has no digest`);
    return { digest, platforms: texts(`${where}.platforms`, platforms, isDigest) };
  };
  const texts = (where: string, value: PlainData, fits: (text: string) => boolean): Record<string, string> =>
    mapped(where, value, (place, text) => {
      if (typeof text !== 'string' || !fits(text)) throw bad(`${place} is neither digest nor commit`);
      return text;
    });
  const mapped = <T>(where: string, value: PlainData, change: (where: string, value: PlainData) => T) => {
    const members = membersOf(value);
    if (members === undefined) throw bad(`${where} is not a mapping`);
    return Object.fromEntries(Object.entries(members).map(([key, one]) => [key, change(`${where}.${key}`, one)]));
  };
  return {
    remotes: texts('remotes', root['remotes'] ?? {}, (text) => isDigest(text) || isCommit(text)),
    services: mapped('services', services, (where, value) => {
      const { images = {}, bases = {}, commits = {} } = membersOf(value) ?? {};
      return {
        images: mapped(`${where}.images`, images, pin),
        bases: mapped(`${where}.bases`, bases, pin),
        commits: texts(`${where}.commits`, commits, isCommit),
      };
    }),
  };
}

function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

function membersOf(value: PlainData | undefined): Readonly<Record<string, PlainData>> | undefined {
  if (value === undefined || typeof value === 'string' || isList(value)) return undefined;
  return value;
}

function isList(value: PlainData): value is readonly PlainData[] {
  return Array.isArray(value);
}
