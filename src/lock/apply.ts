import { TscomposeError } from '../base/errors.js';
import { gitEntry } from '../base/git/reference.js';
import type { Build, Project, Service } from '../compose/index.js';
import { imageOf } from '../plan/index.js';
import type { ImagePin, LockedService, LockFile } from './document.js';
import { atCommit, entryOf, needsOf, remoteEntry } from './needs.js';

export interface LockedProject {
  readonly project: Project;
  /** What the lock should have and has not; it is used as it is. */
  readonly missing: readonly TscomposeError<'lock/missing-entry'>[];
}

const nothing: LockedService = { images: {}, bases: {}, commits: {} };

/**
 * The project with images, git contexts and bases at what the lock says they are.
 * @param bases - `only`: a build fails that names a base the lock has not
 */
export function applyLock(project: Project, lock: LockFile, bases: 'only' | 'any'): LockedProject {
  const missing = needsOf(project, 'enabled').flatMap(({ service, images, commits }) => {
    const locked = lock.services[service] ?? nothing;
    const absent = [
      ...images.filter(({ entry }) => locked.images[entry] === undefined),
      ...commits.filter(({ entry }) => locked.commits[entry] === undefined),
    ];
    return absent.map(({ entry, path }) => missingEntry(project, lock, service, entry, path));
  });
  const known = { ...project.disabledServices, ...project.model.services };
  const services = Object.entries(project.model.services).map(
    ([name, service]) => [name, pinnedService(service, lock.services[name] ?? nothing, known)] as const,
  );
  const pinnedBases = Object.fromEntries(
    services.flatMap(([name, { build }]) => {
      const locked = lock.services[name] ?? nothing;
      if (build === undefined) return [];
      const pins = basePins(project, build, locked);
      return [[name, { pins, commits: locked.commits, only: bases === 'only' }]];
    }),
  );
  const model = { ...project.model, services: Object.fromEntries(services) };
  const files = project.remotes.flatMap(remoteEntry).filter((entry) => lock.remotes[entry] === undefined);
  return { project: { ...project, model, pinnedBases }, missing: [...files.map(missingFile), ...missing] };
}

function missingFile(entry: string): TscomposeError<'lock/missing-entry'> {
  return new TscomposeError({
    code: 'lock/missing-entry',
    message: `compose.lock has no entry for the compose file ${entry}`,
    facts: { service: undefined, entry },
    hint: 'tscompose lock writes it',
  });
}

export function missingEntry(
  project: Project,
  lock: LockFile,
  service: string,
  entry: string,
  path: readonly (string | number)[],
): TscomposeError<'lock/missing-entry'> {
  const { images, bases, commits } = lock.services[service] ?? nothing;
  const others = Object.keys({ ...images, ...bases, ...commits }).sort();
  const has = others.length === 0 ? 'nothing' : others.join(', ');
  return new TscomposeError({
    code: 'lock/missing-entry',
    message: `compose.lock has no entry for ${entry} of service "${service}"; it has ${has}`,
    facts: { service, entry },
    hint: `tscompose lock --update ${service} writes it`,
    at: project.locate(path),
  });
}

/** What stands for an image: no tag moves it. */
function pinText(entry: string, pin: ImagePin): string {
  return 'local' in pin ? pin.local : `${entry}@${pin.digest}`;
}

function pinned(image: string, { images }: LockedService): string {
  const [entry] = entryOf(image);
  const pin = entry === undefined ? undefined : images[entry];
  return entry === undefined || pin === undefined ? image : pinText(entry, pin);
}

function pinnedService(service: Service, locked: LockedService, known: object): Service {
  const { image, build, pre_start: hooks, volumes, pull_policy: policy } = service;
  const own = image === undefined || build !== undefined ? image : pinned(image, locked);
  const isLocal = own?.startsWith('sha256:') === true;
  return {
    ...service,
    ...(own === undefined ? {} : { image: own }),
    // A digest is always the same image. What is built here is built from what is locked, not pulled by a tag.
    ...(own !== image ? { pull_policy: isLocal || policy === 'never' ? 'never' : 'missing' } : {}),
    ...(build !== undefined && image !== undefined && policy !== 'build' ? { pull_policy: 'never' } : {}),
    ...(build === undefined ? {} : { build: pinnedBuild(build, locked) }),
    ...(hooks === undefined
      ? {}
      : {
          pre_start: hooks.map((hook) =>
            hook.image === undefined ? hook : { ...hook, image: pinned(hook.image, locked) },
          ),
        }),
    ...(volumes === undefined
      ? {}
      : {
          volumes: volumes.map((mount) =>
            mount.type === 'image' && mount.source !== undefined && !(mount.source in known)
              ? { ...mount, source: pinned(mount.source, locked) }
              : mount,
          ),
        }),
  };
}

/** The build with its git contexts at their commits. */
export function pinnedBuild(build: Build, { commits }: Pick<LockedService, 'commits'>): Build {
  const at = (text: string): string => {
    const commit = commits[gitEntry(text)];
    return commit === undefined ? text : atCommit(text, commit);
  };
  const { context, additional_contexts: contexts } = build;
  return {
    ...build,
    ...(context === undefined ? {} : { context: at(context) }),
    ...(contexts === undefined
      ? {}
      : { additional_contexts: Object.fromEntries(Object.entries(contexts).map(([name, text]) => [name, at(text)])) }),
  };
}

/** Images of other services that a build starts from are made here, and stand for themselves. */
function basePins(project: Project, build: Build, { bases }: LockedService): Record<string, string> {
  const own = ownBases(project, build).map((image) => [image, image] as const);
  const pins = Object.entries(bases).map(([entry, pin]) => [entry, pinText(entry, pin)] as const);
  return Object.fromEntries([...pins, ...own]);
}

/** As `service:` contexts and by their names. */
export function ownBases(project: Project, { additional_contexts: contexts = {} }: Build): readonly string[] {
  const services = { ...project.disabledServices, ...project.model.services };
  const named = Object.values(contexts).flatMap((text) => {
    const name = /^service:(.+)$/.exec(text)?.[1];
    const service = name === undefined ? undefined : services[name];
    return name === undefined || service === undefined ? [] : [imageOf(project, name, service)];
  });
  const built = Object.entries(services).flatMap(([name, service]) =>
    service.build === undefined ? [] : [imageOf(project, name, service)],
  );
  return [...new Set([...named, ...built])].flatMap((image) => [image, ...entryOf(image)]);
}
