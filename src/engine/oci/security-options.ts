import type { HostConfig } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import './errors.js';
import { defaultSeccompProfile, readSeccompProfile, type SeccompProfile } from './seccomp.js';

export interface SecurityOptions {
  /** Undefined: unconfined. */
  readonly seccomp: SeccompProfile | undefined;
  readonly noNewPrivileges: boolean;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

export const defaultMaskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

export const defaultReadonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/**
 * Reads `SecurityOpt` (`seccomp=…`, `no-new-privileges`, `apparmor=…`, `label=…`, `systempaths=unconfined`), each with
 * `=` or the older `:`. SELinux labels are taken and have no effect.
 * @throws `oci/invalid-option`
 */
export function readSecurityOptions({
  SecurityOpt,
  Privileged,
  MaskedPaths,
  ReadonlyPaths,
}: HostConfig): SecurityOptions {
  const privileged = Privileged === true;
  let seccomp = privileged ? undefined : defaultSeccompProfile;
  let noNewPrivileges = false;
  let systemPaths = !privileged;
  for (const option of SecurityOpt ?? []) {
    const [, key = option, value] = /^([^=:]*)[=:](.*)$/s.exec(option) ?? [];
    if (value === undefined) {
      if (option === 'no-new-privileges') noNewPrivileges = true;
      else if (!['disable', 'writable-cgroups'].includes(option)) throw invalid(option); // `disable` is one of labels
      continue;
    }
    switch (key) {
      case 'no-new-privileges':
        noNewPrivileges = readBoolean(option, value);
        break;
      case 'seccomp':
        seccomp =
          value === 'unconfined' ? undefined : value === 'builtin' ? defaultSeccompProfile : readSeccompProfile(value);
        break;
      case 'systempaths':
        if (value !== 'unconfined') throw invalid(option);
        systemPaths = false;
        break;
      case 'apparmor': // see apparmor.ts
      case 'label':
      case 'writable-cgroups':
        break;
      default:
        throw invalid(option);
    }
  }
  return {
    seccomp,
    noNewPrivileges,
    maskedPaths: systemPaths ? (MaskedPaths ?? defaultMaskedPaths) : [],
    readonlyPaths: systemPaths ? (ReadonlyPaths ?? defaultReadonlyPaths) : [],
  };
}

function readBoolean(option: string, value: string): boolean {
  if (['', 'true', '1'].includes(value.toLowerCase())) return true;
  if (['false', '0'].includes(value.toLowerCase())) return false;
  throw invalid(option);
}

function invalid(option: string): TscomposeError<'oci/invalid-option'> {
  return new TscomposeError({
    code: 'oci/invalid-option',
    message: `invalid --security-opt ${/[=:]/.test(option) ? 2 : 1}: "${option}"`, // dockerd's numbers
    facts: { option: 'security-opt', value: option },
  });
}
