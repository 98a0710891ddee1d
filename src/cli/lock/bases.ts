import type { PinnedBases } from '../../api/tscompose.js';
import { TscomposeError } from '../../base/errors.js';
import { isNotFound } from '../../client/index.js';
import type { Build, Project, Service } from '../../compose/index.js';
import { prepareContext } from '../../execute/index.js';
import { ownBases } from '../../lock/index.js';
import { buildRequest } from '../../plan/index.js';
import type { CliContext } from '../context.js';
import { unresolved } from './unresolved.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** Only the embedded engine reads Dockerfiles for others. */
    'lock/no-builder': { readonly service: string; readonly host: string };
  }
}

/** What a build takes from elsewhere, as its Dockerfile names it. */
export interface NeededByBuild {
  /** Images that are not made by the project itself. */
  readonly bases: readonly string[];
  /** Those of them whose ONBUILD fires. */
  readonly firing: readonly string[];
  /** Git repositories of ADD. */
  readonly repositories: readonly string[];
}

/**
 * What the build of a service names, as the engine reads it from its Dockerfile.
 * @param triggers - ONBUILD of the images it starts from, as far as they are known
 * @throws `lock/no-builder`, `lock/unresolved` with what is wrong with the Dockerfile, `execute/…`
 */
export async function basesOf(
  context: CliContext,
  project: Project,
  service: string,
  definition: Service,
  build: Build,
  triggers: NonNullable<PinnedBases['triggers']>,
): Promise<NeededByBuild> {
  const client = await context.engine();
  const { signal } = context;
  // Secrets and agents do not change which images a Dockerfile names.
  const request = {
    ...buildRequest(project, service, definition, build, { platforms: 'every' }),
    secrets: {},
    ssh: {},
    bases: { pins: {}, only: false, triggers },
  };
  const { context: files, dockerfile } = await prepareContext(client, service, request, signal);
  const { args, target, platforms } = request;
  const query = {
    args,
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(target === undefined ? {} : { target }),
    ...(platforms.length === 0 ? {} : { platform: platforms.join(',') }),
  };
  const own = new Set(ownBases(project, build));
  try {
    const { bases, repositories } = await client.images.bases(files, query, signal);
    const foreign = bases.filter(({ reference }) => !own.has(reference));
    return {
      bases: foreign.map(({ reference }) => reference),
      firing: foreign.filter(({ fires }) => fires === true).map(({ reference }) => reference),
      repositories: repositories.map(({ reference }) => reference),
    };
  } catch (error) {
    signal.throwIfAborted();
    const at = project.locate(['services', service, 'build']);
    if (!isNotFound(error)) throw unresolved(error, { service, entry: 'the bases', at });
    throw new TscomposeError({
      code: 'lock/no-builder',
      message: `the engine at ${client.host} does not tell what the build of service "${service}" starts from`,
      facts: { service, host: client.host },
      hint: 'use the embedded engine: leave DOCKER_HOST unset',
      at,
      cause: error,
    });
  }
}
