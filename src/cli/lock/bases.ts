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

/**
 * The base images that the build of a service names and that are not made by the project itself, as the engine reads
 * them from its Dockerfile.
 * @throws `lock/no-builder`, `lock/unresolved` with what is wrong with the Dockerfile, `execute/…`
 */
export async function basesOf(
  context: CliContext,
  project: Project,
  service: string,
  definition: Service,
  build: Build,
): Promise<readonly string[]> {
  const client = await context.engine();
  const { signal } = context;
  // Secrets and agents do not change which images a Dockerfile names.
  const request = {
    ...buildRequest(project, service, definition, build, { platforms: 'every' }),
    secrets: {},
    ssh: {},
    bases: undefined,
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
    const { bases } = await client.images.bases(files, query, signal);
    return bases.map(({ reference }) => reference).filter((reference) => !own.has(reference));
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
