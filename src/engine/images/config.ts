import type { ContainerConfig } from '../../api/container.js';
import { type Digest, isDigest } from '../../base/digest.js';
import { badDocument, objectOf, parseObject } from '../../registry/index.js';

/** One step of an image's making. `empty_layer` steps have no layer. */
export interface HistoryEntry {
  /** RFC 3339 */
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** What an image's config blob says (OCI image-spec, config.md, with Docker's extensions). Its digest is the image id. */
export interface OciImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly 'os.version'?: string;
  /** Docker's container config: a superset of the OCI one (`Healthcheck`, `OnBuild`, `Shell`, …). */
  readonly config?: ContainerConfig;
  /** DiffIDs, base first. */
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
  readonly comment?: string;
  readonly docker_version?: string;
  readonly container?: string;
  readonly container_config?: ContainerConfig;
}

const maxLayers = 500;

/**
 * Reads a config blob. Members we do not know stay in the blob and are ignored here.
 * @throws `image/bad-document`
 */
export function parseImageConfig(bytes: Uint8Array | string): OciImageConfig {
  const config = parseObject('image config', bytes);
  const rootfs = objectOf(config['rootfs']);
  const diffIds = rootfs?.['diff_ids'] ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === 'string' && isDigest(id))) {
    throw badDocument('image config', 'rootfs.diff_ids is not a list of sha256 digests');
  }
  if (diffIds.length > maxLayers) throw badDocument('image config', `more than ${maxLayers} layers`);
  for (const name of ['created', 'author', 'architecture', 'variant', 'os', 'comment'] as const) {
    if (config[name] !== undefined && typeof config[name] !== 'string') {
      throw badDocument('image config', `${name} is not a text`);
    }
  }
  const history = config['history'] ?? [];
  if (!Array.isArray(history)) throw badDocument('image config', 'history is not a list');
  if (config['config'] !== undefined && config['config'] !== null && objectOf(config['config']) === undefined) {
    throw badDocument('image config', 'config is not an object');
  }
  // Past these checks the members have the types below; the rest is Docker's own and read leniently.
  return {
    ...(config as unknown as OciImageConfig),
    architecture: typeof config['architecture'] === 'string' ? config['architecture'] : '',
    os: typeof config['os'] === 'string' && config['os'] !== '' ? config['os'] : 'linux',
    config: objectOf(config['config']) ?? {},
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: history as HistoryEntry[],
  };
}
