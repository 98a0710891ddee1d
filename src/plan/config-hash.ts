import { createHash } from 'node:crypto';
import type { NetworkDefinition, Service, VolumeDefinition } from '../compose/index.js';
import { canonicalJson, networkShape, serviceShape, volumeShape } from './canonical-json.js';

/**
 * What the config hash of a service covers: its canonical JSON without what does not live in a container (`build`,
 * `pull_policy`, `scale`, `deploy.replicas`) and without `env_file`, whose content stands in `environment`. Member for
 * member that of docker compose 2.26, so that either tool takes the other's containers as up to date.
 */
export function hashInput(service: Service): string {
  const known = inputs.get(service);
  if (known !== undefined) return known;
  const deploy = service.deploy === undefined ? {} : { deploy: { ...service.deploy, replicas: undefined } };
  const outside = { build: undefined, pull_policy: undefined, scale: undefined, env_file: undefined };
  const input = canonicalJson({ ...service, ...deploy, ...outside }, serviceShape);
  inputs.set(service, input);
  return input;
}

/** Services never change, and one plan asks for the same one many times. */
const inputs = new WeakMap<Service, string>();

/** The `config-hash` label of a service's containers, as `config --hash` prints it. */
export function serviceHash(service: Service): string {
  let hash = hashes.get(service);
  if (hash === undefined) hashes.set(service, (hash = hashOf(hashInput(service))));
  return hash;
}

const hashes = new WeakMap<Service, string>();

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
