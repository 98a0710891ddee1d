import { existsSync, readFileSync } from 'node:fs';
import type { HostConfig } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import { runTool } from '../../base/spawn.js';
import { defaultProfileName, renderDefaultProfile } from './apparmor-profile.js';
import { readOrEmpty } from './cgroups.js';
import { notStarted } from './create-failure.js';
import './errors.js';
import type { RuntimeProgram } from './runtime.js';

const parser = '/sbin/apparmor_parser';
const policy = '/sys/kernel/security/apparmor';
let supported: boolean | undefined;

/** As dockerd decides it: AppArmor is on, its parser is there, and this is not a container (whose host's policy holds). */
export function hasApparmor(): boolean {
  supported ??=
    existsSync(policy) &&
    existsSync(parser) &&
    (process.env['container'] ?? '') === '' &&
    readOrEmpty('/sys/module/apparmor/parameters/enabled').startsWith('Y');
  return supported;
}

/**
 * The profile that a container runs in; undefined where the host has no AppArmor. Docker's name for its default is the
 * default here where dockerd has not loaded its own.
 */
export function apparmorProfileOf(hostConfig: HostConfig): string | undefined {
  if (!hasApparmor()) return undefined;
  if (hostConfig.Privileged === true) return 'unconfined';
  const asked = askedProfile(hostConfig);
  return asked === '' || (asked === 'docker-default' && !isLoaded(asked)) ? defaultProfileName : asked;
}

/** The name that is asked for; empty without one. */
export function askedProfile({ SecurityOpt }: HostConfig): string {
  return (SecurityOpt ?? []).findLast((option) => /^apparmor[=:]/.test(option))?.slice('apparmor='.length) ?? '';
}

/**
 * Makes sure that the kernel has a profile. The default one is loaded when it is not there: upgrades of AppArmor unload it.
 * @throws `oci/create-failed` for one that nobody has loaded, `oci/no-default-profile`
 */
export async function requireProfile(runtime: RuntimeProgram, name: string | undefined): Promise<void> {
  if (name === undefined || name === 'unconfined' || isLoaded(name)) return;
  if (name === defaultProfileName) {
    await loadDefaultProfile();
    return;
  }
  const problem = 'apparmor failed to apply profile: write /proc/self/attr/apparmor/exec: no such file or directory';
  const text = `error during container init: unable to apply apparmor profile: ${problem}`;
  throw notStarted(runtime, { text, exitCode: 128 });
}

async function loadDefaultProfile(): Promise<void> {
  // What the engine itself runs in, which ends containers: `unconfined`, or `NAME (enforce)`.
  const ours = readOrEmpty('/proc/self/attr/current')
    .replace(/ \(.*\)$/s, '')
    .trim();
  try {
    const input = renderDefaultProfile(ours === '' ? 'unconfined' : ours);
    await runTool(parser, ['--replace', '--skip-cache'], { input, signal: AbortSignal.timeout(30_000) });
  } catch (cause) {
    throw new TscomposeError({
      code: 'oci/no-default-profile',
      message: `AppArmor is on and the profile ${defaultProfileName} cannot be loaded`,
      facts: { profile: defaultProfileName },
      hint: 'look at what apparmor_parser says, or run the container with security_opt: [apparmor=unconfined]',
      cause,
    });
  }
}

/** One line a profile: `name (enforce)`. */
function isLoaded(name: string): boolean {
  return `\n${readFileSync(`${policy}/profiles`, 'utf8')}`.includes(`\n${name} (`);
}
