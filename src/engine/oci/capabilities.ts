import { TscomposeError } from '../../base/errors.js';
import './errors.js';
import type { OciCapabilities } from './spec.js';

/** What a container has unless told otherwise: Docker's fourteen. */
const defaults = [
  'CAP_AUDIT_WRITE',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_MKNOD',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SETFCAP',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
  'CAP_SYS_CHROOT',
] as const;

/** By number (capabilities(7)); the kernel says how many of them it knows. */
export const knownCapabilities: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

export interface CapabilityChoice {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
  /** What this engine holds itself and may give; see {@link parseBoundingSet}. */
  readonly available: readonly string[];
}

/**
 * The capabilities of a container, sorted. `ALL` in `add` starts from everything, in `drop` from nothing; single names
 * then count on top, a drop winning over an add.
 * @throws `oci/invalid-option` for a name nobody knows
 */
export function chooseCapabilities({ add, drop, privileged, available }: CapabilityChoice): string[] {
  const added = add.map((name) => normalize(name, 'cap-add'));
  const dropped = drop.map((name) => normalize(name, 'cap-drop'));
  if (privileged) return [...available].sort();
  const base = added.includes('ALL') ? available : dropped.includes('ALL') ? [] : defaults;
  const chosen = new Set<string>([...base, ...added.filter((name) => name !== 'ALL')]);
  for (const name of dropped) chosen.delete(name);
  return [...chosen].filter((name) => available.includes(name)).sort();
}

function normalize(name: string, option: 'cap-add' | 'cap-drop'): string {
  const upper = name.trim().toUpperCase();
  if (upper === 'ALL') return upper;
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (knownCapabilities.includes(full)) return full;
  throw new TscomposeError({
    code: 'oci/invalid-option',
    message: `invalid ${option === 'cap-add' ? 'CapAdd' : 'CapDrop'}: unknown capability: "${name}"`,
    facts: { option, value: name },
  });
}

/** Names in the mask of a `CapBnd:` line of /proc/PID/status. */
export function parseBoundingSet(status: string): string[] {
  const mask = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return knownCapabilities.filter((_, bit) => (mask >> BigInt(bit)) & 1n);
}

/** Root gets all of them at once; another user only what ambient ones a program may raise: none, as with Docker. */
export function capabilitySets(names: readonly string[], options: { readonly root: boolean }): OciCapabilities {
  const active = options.root ? names : [];
  return { bounding: names, effective: active, permitted: active, inheritable: [], ambient: [] };
}
