import { invalidUsage } from '../../base/invalid-usage.js';
import type { UpOptions } from '../../plan/index.js';
import { imageOptions, orphanOptions, parseScale, removesOrphans } from '../shared-options.js';
import type { UpFlags } from './flags.js';

export function quietOf(flags: UpFlags): { readonly builds: boolean; readonly pulls: boolean } {
  return { builds: flags.quietBuild, pulls: flags.quietPull };
}

/** Flags that contradict each other. @throws `usage/invalid` */
export function checkUpFlags(flags: UpFlags): void {
  const attaching =
    flags.attach.length > 0 ||
    flags.attachDependencies ||
    flags.abortOnContainerExit ||
    flags.abortOnContainerFailure ||
    flags.watch;
  const background = flags.detach ? '--detach' : '--wait';
  const conflicts: readonly (readonly [boolean, string])[] = [
    [flags.build && flags.noBuild, '--build and --no-build'],
    [flags.watch && flags.noBuild, '--watch and --no-build'],
    [flags.forceRecreate && flags.noRecreate, '--force-recreate and --no-recreate'],
    [flags.renewAnonVolumes && flags.noRecreate, '--renew-anon-volumes and --no-recreate'],
    [flags.alwaysRecreateDeps && flags.noRecreate, '--always-recreate-deps and --no-recreate'],
    [flags.attach.length > 0 && flags.attachDependencies, '--attach and --attach-dependencies'],
    [
      (flags.detach || flags.wait) && (attaching || flags.exitCodeFrom !== undefined),
      `${background} and what watches containers (--attach, --abort-on-container-exit, --exit-code-from, --watch)`,
    ],
    [
      flags.abortOnContainerExit && flags.abortOnContainerFailure,
      '--abort-on-container-exit and --abort-on-container-failure',
    ],
  ];
  if ((flags.timeline || flags.trace !== undefined) && !flags.detach && !flags.wait)
    throw invalidUsage(undefined, '--timeline and --trace need --detach or --wait');
  for (const [conflict, names] of conflicts) if (conflict) throw invalidUsage(undefined, `${names} exclude each other`);
  if (flags.waitTimeout !== undefined && flags.waitTimeout < 0)
    throw invalidUsage(undefined, '--wait-timeout: a time cannot be negative');
}

/** Those that decide what is done; the others are about how it is shown and waited for. */
export type PlannedFlags = Pick<
  UpFlags,
  | ('alwaysRecreateDeps' | 'build' | 'forceRecreate' | 'noBuild' | 'noDeps' | 'noRecreate' | 'noStart' | 'pull')
  | ('removeOrphans' | 'renewAnonVolumes' | 'scale' | 'timeout' | 'wait')
>;

/** @throws `usage/invalid` */
export function upOptions(
  flags: PlannedFlags,
  services: readonly string[],
  environment: Readonly<Record<string, string>>,
): UpOptions {
  return {
    ...(services.length === 0 ? {} : { services }),
    noDeps: flags.noDeps,
    forceRecreate: flags.forceRecreate,
    noRecreate: flags.noRecreate,
    alwaysRecreateDeps: flags.alwaysRecreateDeps,
    renewAnonVolumes: flags.renewAnonVolumes,
    ...imageOptions(flags.build, flags.pull, flags.noBuild),
    ...orphanOptions(removesOrphans(flags.removeOrphans, environment['COMPOSE_REMOVE_ORPHANS']), environment),
    scale: parseScale(flags.scale),
    noStart: flags.noStart,
    wait: flags.wait,
    ...(flags.timeout === undefined ? {} : { timeoutS: flags.timeout }),
  };
}
