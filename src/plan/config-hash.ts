import { createHash } from 'node:crypto';
import type { NetworkDefinition, Service, VolumeDefinition } from '../compose/index.js';
import { canonicalJson, networkShape, serviceShape, volumeShape } from './canonical-json.js';

/**
 * What the config hash of a service covers: its canonical JSON without what does not live in a container (`build`,
 * `pull_policy`, `scale`, `deploy.replicas`) and without `env_file`, whose content stands in `environment`. Member for
 * member that of docker compose 2.26, so that either tool takes the other's containers as up to date.
 */
export function hashInput(service: Service): string {
  const deploy = service.deploy === undefined ? {} : { deploy: { ...service.deploy, replicas: undefined } };
  const outside = { build: undefined, pull_policy: undefined, scale: undefined, env_file: undefined };
  return canonicalJson({ ...service, ...deploy, ...outside }, serviceShape);
}

/** The `config-hash` label of a service's containers, as `config --hash` prints it. */
export function serviceHash(service: Service): string {
  return hashOf(hashInput(service));
}

export function networkHash(network: NetworkDefinition): string {
  return hashOf(canonicalJson(network, networkShape));
}

export function volumeHash(volume: VolumeDefinition): string {
  return hashOf(canonicalJson({ ...volume, driver: volume.driver ?? 'local' }, volumeShape));
}

/** SHA-256 in hex. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
