import { isFailure, TscomposeError } from '../../base/errors.js';
import { gitEntry } from '../../base/git/reference.js';
import type { NodePath, Project } from '../../compose/index.js';
import {
  entryOf,
  type ImagePin,
  type LockedService,
  type LockFile,
  type Need,
  needsOf,
  pinnedBuild,
  remoteEntry,
  type ServiceNeeds,
} from '../../lock/index.js';
import type { CliContext } from '../context.js';
import { basesOf } from './bases.js';
import { openPins, type Pins } from './pins.js';
import { unresolved } from './unresolved.js';

/**
 * A lock of what names stand for now, of all services whatever their profiles.
 * @param only - services to renew; the others stay as `before` has them. Undefined: all
 * @throws `lock/unresolved` for each thing that has no digest, all at once; what is wrong with a build
 */
export async function makeLock(
  context: CliContext,
  project: Project,
  only: readonly string[] | undefined,
  before: LockFile,
): Promise<LockFile> {
  const pins = openPins(context);
  const problems: TscomposeError[] = [];
  try {
    const needs = needsOf(project, 'all').filter(({ service }) => only === undefined || only.includes(service));
    const made = await Promise.all(
      needs.map(async (one) => [one.service, await lockService(context, project, one, pins, problems)] as const),
    );
    const remotes = only === undefined ? await lockRemotes(context, project, pins, problems) : {};
    const [first] = problems;
    if (first !== undefined && problems.length === 1) throw first;
    if (first !== undefined) {
      const message = `${problems.length} problems`;
      throw new TscomposeError({ code: 'problems/several', message, facts: { problems } });
    }
    const others = only === undefined ? {} : before.services;
    const services = Object.entries({ ...others, ...Object.fromEntries(made) });
    return {
      remotes: { ...(only === undefined ? {} : before.remotes), ...remotes },
      services: Object.fromEntries(services.filter(([, locked]) => !isEmpty(locked))),
    };
  } finally {
    pins.close();
  }
}

async function lockRemotes(
  { signal }: CliContext,
  project: Project,
  pins: Pins,
  problems: TscomposeError[],
): Promise<Record<string, string>> {
  const found = await Promise.all(
    project.remotes.flatMap((text) =>
      remoteEntry(text).map(async (entry): Promise<(readonly [string, string])[]> => {
        try {
          return [[entry, await pins.file(text)]];
        } catch (error) {
          signal.throwIfAborted();
          problems.push(unresolved(error, { service: undefined, entry, at: undefined }));
          return [];
        }
      }),
    ),
  );
  return Object.fromEntries(found.flat());
}

async function lockService(
  context: CliContext,
  project: Project,
  { service, definition, images, commits, build }: ServiceNeeds,
  pins: Pins,
  problems: TscomposeError[],
): Promise<LockedService> {
  const pinAll = async <Pin>(
    needs: readonly Need[],
    pin: (need: Need) => Promise<Pin>,
  ): Promise<Record<string, Pin>> => {
    const found = await Promise.all(
      needs.map(async (need): Promise<(readonly [string, Pin])[]> => {
        try {
          return [[need.entry, await pin(need)]];
        } catch (error) {
          context.signal.throwIfAborted();
          problems.push(unresolved(error, { service, entry: need.entry, at: project.locate(need.path) }));
          return [];
        }
      }),
    );
    return Object.fromEntries(found.flat());
  };
  const pinImage = ({ entry }: Need): Promise<ImagePin> => pins.image(entry);
  const pinCommit = ({ text }: Need): Promise<string> => pins.commit(text);
  const lockedCommits = await pinAll(commits, pinCommit);
  const path: NodePath = ['services', service, 'build'];
  let bases: Need[] = [];
  let repositories: Need[] = [];
  if (build !== undefined && Object.keys(lockedCommits).length === commits.length) {
    const pinned = pinnedBuild(build, { commits: lockedCommits });
    const ask = (triggers: Readonly<Record<string, readonly string[]>>) =>
      basesOf(context, project, service, definition, pinned, triggers);
    try {
      let needed = await ask({});
      const triggers = await Promise.all(needed.firing.map(async (one) => [one, await pins.triggers(one)] as const));
      if (triggers.some(([, own]) => own.length > 0)) needed = await ask(Object.fromEntries(triggers));
      bases = needed.bases.flatMap((text) => entryOf(text).map((entry) => ({ entry, text, path })));
      repositories = needed.repositories.map((text) => ({ entry: gitEntry(text), text, path }));
    } catch (error) {
      if (!isFailure(error)) throw error;
      problems.push(error);
    }
  }
  return {
    images: await pinAll(images, pinImage),
    bases: await pinAll(bases, pinImage),
    commits: { ...lockedCommits, ...(await pinAll(repositories, pinCommit)) },
  };
}

function isEmpty({ images, bases, commits }: LockedService): boolean {
  return Object.keys({ ...images, ...bases, ...commits }).length === 0;
}
