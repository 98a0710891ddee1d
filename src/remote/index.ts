/** Compose files that are elsewhere: git repositories and OCI artifacts, fetched into the user's cache. */
import type { FetchedProject, RemoteOptions } from './fetch.js';
import type { PublishedFile, PublishOptions } from './publish.js';

export { artifactAnnotations, artifactTypes, ociScheme } from './artifact.js';
export { isRemoteReference, shownReference } from './reference.js';
export type { FetchedProject, PublishedFile, PublishOptions, RemoteOptions };

/**
 * Fetches what a reference names into the cache, or finds it there when it is pinned to a commit or digest.
 * @throws `remote/…`, `registry/…`, `content/…`, `image/invalid-reference`
 */
export async function fetchRemote(reference: string, options: RemoteOptions): Promise<FetchedProject> {
  // Loaded when something is fetched: most projects are local, and git and registries are much to read.
  const { fetchProject } = await import('./fetch.js');
  return await fetchProject(reference, options);
}

/** Puts a project into a registry. @see publishArtifact in publish.ts */
export async function publishProject(
  reference: string,
  files: readonly PublishedFile[],
  options: PublishOptions,
): Promise<string> {
  const { publishArtifact } = await import('./publish.js'); // registries are much to read
  return await publishArtifact(reference, files, options);
}
