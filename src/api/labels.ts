/** Labels as docker compose sets them, so that either tool can manage the other's objects. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  containerNumber: 'com.docker.compose.container-number',
  oneoff: 'com.docker.compose.oneoff',
  slug: 'com.docker.compose.slug',
  configHash: 'com.docker.compose.config-hash',
  configFiles: 'com.docker.compose.project.config_files',
  environmentFile: 'com.docker.compose.project.environment_file',
  workingDir: 'com.docker.compose.project.working_dir',
  dependencies: 'com.docker.compose.depends_on',
  imageDigest: 'com.docker.compose.image',
  imageBuilder: 'com.docker.compose.image.builder',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
  version: 'com.docker.compose.version',
  replace: 'com.docker.compose.replace',
} as const;
