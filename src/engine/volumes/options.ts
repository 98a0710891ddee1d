import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { TscomposeError } from '../../base/errors.js';
import type { MountFlag, MountRequest } from '../sys/index.js';
import './types.js';

const known = ['type', 'o', 'device', 'size'];

/** @throws `volume/invalid-option` */
export function checkOptions(volume: string, options: Readonly<Record<string, string>>): void {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) throw invalid(volume, option, `invalid option: "${option}"`);
  }
  const given = (option: string) => (options[option] ?? '') !== '';
  if (given('size')) throw invalid(volume, 'size', 'quota size requested but no quota support');
  if (!given('device') && (given('type') || given('o'))) {
    throw invalid(volume, 'device', 'missing required option: "device"');
  }
  if (given('device') && !given('type') && !isBind(options)) {
    throw invalid(volume, 'type', 'missing type in volume options');
  }
}

function isBind(options: Readonly<Record<string, string>>): boolean {
  return (options['o'] ?? '').split(',').some((word) => word === 'bind' || word === 'rbind');
}

const flags: Readonly<Record<string, readonly MountFlag[]>> = {
  bind: ['bind'],
  rbind: ['bind', 'rec'],
  ro: ['ro'],
  nosuid: ['nosuid'],
  nodev: ['nodev'],
  noexec: ['noexec'],
  noatime: ['noatime'],
  nodiratime: ['nodiratime'],
  strictatime: ['strictatime'],
  sync: ['sync'],
  dirsync: ['dirsync'],
};
/** What the kernel takes in a call of its own, after the mount. */
const propagations: Readonly<Record<string, readonly MountFlag[]>> = {
  ...{ private: ['private'], slave: ['slave'], shared: ['shared'], unbindable: ['unbindable'] },
  ...{ rprivate: ['private', 'rec'], rslave: ['slave', 'rec'], rshared: ['shared', 'rec'] },
  runbindable: ['unbindable', 'rec'],
};
const meaningless = new Set(
  'rw suid dev exec defaults relatime norelatime atime diratime nostrictatime async'.split(' ').concat(''),
);

/** Whether the data is nowhere but in the mount. */
export function isMemory(options: Readonly<Record<string, string>>): boolean {
  return ['tmpfs', 'ramfs'].includes(options['type'] ?? '');
}

function wordsOf(options: Readonly<Record<string, string>>): string[] {
  return (options['o'] ?? '').split(',').filter((word) => !meaningless.has(word));
}

export function flagsOf(options: Readonly<Record<string, string>>): readonly MountFlag[] {
  return wordsOf(options).flatMap((word) => flags[word] ?? []);
}

/**
 * The mounts that put a volume's device in place, in order: read-only binds need a second one (mount(2), "Creating a bind
 * mount"). The name in an `addr=` option is looked up, which mount(2) leaves to its caller (nfs(5)).
 */
export async function mountsOf(options: Readonly<Record<string, string>>, target: string): Promise<MountRequest[]> {
  const words = wordsOf(options);
  const chosen = flagsOf(options);
  const spread = words.flatMap((word) => (propagations[word] === undefined ? [] : [propagations[word]]));
  const others = words.filter((word) => !(word in flags) && !(word in propagations));
  const data = await Promise.all(others.map(withAddress));
  const source = options['device'] ?? '';
  const type = options['type'] ?? '';
  const after = spread.map((how): MountRequest => ({ target, flags: how }));
  if (chosen.includes('bind')) {
    const rest = chosen.filter((flag) => flag !== 'bind' && flag !== 'rec');
    const first: MountRequest = { source, target, flags: chosen.filter((flag) => flag === 'bind' || flag === 'rec') };
    return [first, ...(rest.length === 0 ? [] : [{ target, flags: ['bind', 'remount', ...rest] as const }]), ...after];
  }
  const given = data.length === 0 ? {} : { data: data.join(',') };
  return [{ source, target, fstype: type, flags: chosen, ...given }, ...after];
}

async function withAddress(word: string): Promise<string> {
  const name = /^addr=(.+)$/.exec(word)?.[1];
  if (name === undefined || isIP(name) !== 0) return word;
  const { address } = await lookup(name);
  return `addr=${address}`;
}

function invalid(volume: string, option: string, message: string): TscomposeError<'volume/invalid-option'> {
  return new TscomposeError({
    code: 'volume/invalid-option',
    message: `create ${volume}: ${message}`,
    facts: { volume, option },
  });
}
