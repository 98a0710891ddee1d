/** The OCI artifact docker compose publishes projects as. */
export const artifactTypes = {
  project: 'application/vnd.docker.compose.project',
  file: 'application/vnd.docker.compose.file+yaml',
  envFile: 'application/vnd.docker.compose.envfile',
  /** Type of the config where a registry knows no artifact types (OCI 1.0). */
  emptyConfig: 'application/vnd.docker.compose.config.empty.v1+json',
} as const;

/** On layers: what a file was called, and whether it is one that others extend rather than one of the project's own. */
export const artifactAnnotations = {
  file: 'com.docker.compose.file',
  extends: 'com.docker.compose.extends',
  envFile: 'com.docker.compose.envfile',
  version: 'com.docker.compose.version',
} as const;

export const ociScheme = 'oci://';
