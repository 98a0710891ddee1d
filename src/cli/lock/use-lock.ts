import { TscomposeError } from '../../base/errors.js';
import { gitEntry } from '../../base/git/reference.js';
import { renderLocation } from '../../base/source-location.js';
import type { Project } from '../../compose/index.js';
import type { LockFile } from '../../lock/index.js';
import { imageOf } from '../../plan/index.js';
import type { CliContext } from '../context.js';
import { flag } from '../flags.js';
import { excludeEachOther } from '../shared-options.js';
import { lockPlace, readLock } from './place.js';

/** Of commands that keep to compose.lock. */
export const lockFlags = {
  frozen: flag('Fail when compose.lock does not have all that is used; on where CI is set and there is a lock'),
  noFrozen: flag('Use what compose.lock has not as it is, in CI too'),
} as const;

interface LockWishes {
  readonly frozen: boolean;
  readonly noFrozen: boolean;
  readonly inCi?: boolean;
}

/**
 * The project as its lock file has it; as it is where there is none. A lock is frozen where `CI` is set, or `inCi`.
 * @throws `lock/bad-file`; when frozen `lock/no-file`, `lock/missing-entry`
 */
export async function withLock(
  context: CliContext,
  project: Project,
  { frozen, noFrozen, inCi = false }: LockWishes = { frozen: false, noFrozen: true },
): Promise<Project> {
  excludeEachOther('--frozen', frozen, '--no-frozen', noFrozen);
  const file = lockPlace(context, project);
  const lock = await readLock(file);
  if (lock === undefined) {
    if (!frozen) return project;
    throw new TscomposeError({
      code: 'lock/no-file',
      message: `there is no ${file}, and --frozen wants one`,
      facts: { file },
      hint: 'tscompose lock writes it',
    });
  }
  const { applyLock } = await import('../../lock/index.js');
  const isFrozen = frozen || (!noFrozen && (inCi || isCi(context.terminal.environment['CI'])));
  const locked = applyLock(project, lock, isFrozen ? 'only' : 'any');
  if (!isFrozen) {
    for (const { message, at, hint } of locked.missing) {
      const place = at === undefined ? '' : `${renderLocation(at)}: `;
      context.warn(`${place}warning: ${message}: ${hint ?? ''}`);
    }
    return locked.project;
  }
  const problems = [...locked.missing, ...(await missingBases(context, project, locked.project, lock))];
  const [first] = problems;
  if (first === undefined) return locked.project;
  if (problems.length === 1) throw first;
  const message = `${problems.length} things are not in compose.lock`;
  throw new TscomposeError({ code: 'problems/several', message, facts: { problems } });
}

/** Bases that a Dockerfile, or what its bases have as ONBUILD, names and the lock has not: known before anything is built. */
async function missingBases(
  context: CliContext,
  project: Project,
  locked: Project,
  lock: LockFile,
): Promise<readonly TscomposeError[]> {
  const services = Object.entries(locked.model.services);
  if (!services.some(([, { build }]) => build !== undefined)) return [];
  const [{ basesOf }, { entryOf, missingEntry }] = await Promise.all([
    import('./bases.js'),
    import('../../lock/index.js'),
  ]);
  const found = await Promise.all(
    services.map(async ([service, definition]) => {
      const { build } = definition;
      if (build === undefined) return [];
      let named = await basesOf(context, locked, service, definition, build, {});
      if (named.firing.length > 0) {
        const { knownTriggers } = await import('./known-triggers.js');
        const pins = locked.pinnedBases?.[service]?.pins ?? {};
        const image = imageOf(locked, service, definition);
        const triggers = await knownTriggers(context, image, named.firing, pins);
        if (Object.keys(triggers).length > 0)
          named = await basesOf(context, locked, service, definition, build, triggers);
      }
      const { bases = {}, commits = {} } = lock.services[service] ?? {};
      return [
        ...named.bases.flatMap(entryOf).filter((entry) => bases[entry] === undefined),
        ...named.repositories.map(gitEntry).filter((entry) => commits[entry] === undefined),
      ].map((entry) => missingEntry(project, lock, service, entry, ['services', service, 'build']));
    }),
  );
  return found.flat();
}

/** As those who set it mean it: `CI=false` is no CI. */
function isCi(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}
