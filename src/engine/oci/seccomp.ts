import { readFileSync } from 'node:fs';
import { TscomposeError, messageOf } from '../../base/errors.js';
import defaultProfile from '../../../runtime/seccomp.json' with { type: 'json' };
import './errors.js';
import type { OciSeccomp, OciSeccompRule } from './spec.js';

/** A profile in Docker's form ("Seccomp security profiles for Docker"); every member is optional but the first. */
export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  archMap?: { architecture: string; subArchitectures?: string[] | null }[] | null;
  flags?: readonly string[];
  syscalls?: (OciSeccompRule & { name?: string; includes?: RuleFilter; excludes?: RuleFilter })[] | null;
}

interface RuleFilter {
  caps?: readonly string[];
  arches?: readonly string[];
  minKernel?: string;
}

export interface SeccompTarget {
  readonly capabilities: readonly string[];
  /** `process.arch` */
  readonly arch: string;
  /** `6.1.0-18-amd64` */
  readonly kernelRelease: string;
}

export const defaultSeccompProfile: SeccompProfile = defaultProfile;

/** @throws `oci/invalid-option` */
export function readSeccompProfile(option: string): SeccompProfile {
  try {
    // The API carries the profile itself; a path comes from a client on this machine that did not read it.
    const text = option.trimStart().startsWith('{') ? option : readFileSync(option, 'utf8');
    const profile: unknown = JSON.parse(text);
    if (!isProfile(profile)) throw new Error('no defaultAction');
    return profile;
  } catch (cause) {
    throw new TscomposeError({
      code: 'oci/invalid-option',
      message: `decoding seccomp profile failed: ${messageOf(cause)}`,
      facts: { option: 'security-opt', value: option.slice(0, 200) },
      cause,
    });
  }
}

function isProfile(value: unknown): value is SeccompProfile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'defaultAction' in value &&
    typeof value.defaultAction === 'string' &&
    (!('syscalls' in value) || value.syscalls === null || Array.isArray(value.syscalls))
  );
}

/** The rules of a profile that hold for one container, as the runtime-spec has them. */
export function resolveSeccomp(profile: SeccompProfile, target: SeccompTarget): OciSeccomp {
  const names = goArchitectures[target.arch];
  const own = profile.archMap?.find(({ architecture }) => architecture === names?.seccomp);
  const architectures = own === undefined ? profile.architectures : [own.architecture, ...(own.subArchitectures ?? [])];
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures === undefined ? {} : { architectures }),
    ...(profile.flags === undefined ? {} : { flags: profile.flags }),
    syscalls: (profile.syscalls ?? [])
      .filter((rule) => included(rule.includes, target) && !excluded(rule.excludes, target))
      .map(({ name, names: several, action, errnoRet, args }) => ({
        names: name === undefined ? several : [name],
        action,
        ...(errnoRet === undefined ? {} : { errnoRet }),
        ...(args == null || args.length === 0 ? {} : { args }),
      })),
  };
}

const goArchitectures: Readonly<Record<string, { go: string; seccomp: string }>> = {
  x64: { go: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
  ppc64: { go: 'ppc64le', seccomp: 'SCMP_ARCH_PPC64LE' },
  s390x: { go: 's390x', seccomp: 'SCMP_ARCH_S390X' },
  riscv64: { go: 'riscv64', seccomp: 'SCMP_ARCH_RISCV64' },
};

/** All that a filter names must hold. */
function included(filter: RuleFilter | undefined, { capabilities, arch, kernelRelease }: SeccompTarget): boolean {
  if (filter === undefined) return true;
  const { arches = [], caps = [], minKernel } = filter;
  if (arches.length > 0 && !arches.includes(goArchitectures[arch]?.go ?? arch)) return false;
  if (!caps.every((name) => capabilities.includes(name))) return false;
  return minKernel === undefined || isAtLeast(kernelRelease, minKernel);
}

/** Any that a filter names is enough. */
function excluded(filter: RuleFilter | undefined, { capabilities, arch, kernelRelease }: SeccompTarget): boolean {
  if (filter === undefined) return false;
  const { arches = [], caps = [], minKernel } = filter;
  return (
    arches.includes(goArchitectures[arch]?.go ?? arch) ||
    caps.some((name) => capabilities.includes(name)) ||
    (minKernel !== undefined && isAtLeast(kernelRelease, minKernel))
  );
}

function isAtLeast(release: string, minimum: string): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = minimum.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
