/** Compose files that are elsewhere: git repositories and OCI artifacts, fetched into the user's cache. */
export { artifactAnnotations, artifactTypes, ociScheme } from './artifact.js';
export { type FetchedProject, fetchRemote, isRemoteReference, type RemoteOptions, shownReference } from './open.js';
