import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf } from '../base/digest.js';
import { TscomposeError } from '../base/errors.js';
import type { RegistryAuth } from '../api/image.js';
import {
  type Descriptor,
  type Manifest,
  openRegistries,
  parseManifest,
  parseReference,
  RegistrySession,
  type RegistryOptions,
  withDefaultTag,
} from '../registry/index.js';
import { artifactAnnotations, artifactTypes, ociScheme } from './artifact.js';
import type { RemoteCache } from './cache.js';
import './errors.js';

const maxFiles = 200;
const maxFileBytes = 4 << 20;

export interface OciOptions {
  readonly registries: RegistryOptions;
  readonly credentials: (domain: string, signal: AbortSignal) => Promise<RegistryAuth | undefined>;
  readonly cache: RemoteCache;
  readonly signal: AbortSignal;
}

/**
 * Brings the files of a published project into the cache: `compose.yaml` and `compose.N.yaml` are its compose files in
 * order, everything else has the name the artifact gives it.
 * @returns the folder
 * @throws `registry/…`, `content/…`, `image/invalid-reference`, `remote/not-an-artifact`
 */
export async function fetchArtifact(text: string, options: OciOptions): Promise<string> {
  const reference = withDefaultTag(parseReference(text.slice(ociScheme.length)));
  const { cache, credentials, signal } = options;
  const pinned = reference.digest === undefined ? undefined : await cache.find('oci', hexOf(reference.digest));
  if (pinned !== undefined) return pinned;
  const registries = openRegistries(options.registries);
  try {
    const auth = await credentials(reference.domain, signal);
    const endpoint = registries.ownEndpoint(reference.domain);
    const session = new RegistrySession({ registries, endpoint, reference, auth, access: 'pull', signal });
    const top = await session.topManifest();
    const known = await cache.find('oci', hexOf(top.digest));
    if (known !== undefined) return known;
    const { layers } = await projectManifest(session, parseManifest(top.bytes, top.mediaType), text);
    return await cache.fill('oci', hexOf(top.digest), async (folder) => {
      for (const [name, layer] of filesOf(layers, text)) {
        await writeFile(join(folder, name), await session.document(layer), { mode: 0o600, flag: 'wx' });
      }
    });
  } finally {
    registries.http.close();
  }
}

type ImageManifest = Extract<Manifest, { kind: 'image' }>;

/** The manifest itself, or the one of type project in an index: an application published with its images. */
async function projectManifest(session: RegistrySession, top: Manifest, text: string): Promise<ImageManifest> {
  let manifest = top;
  if (manifest.kind === 'index') {
    const project = manifest.manifests.find(({ artifactType }) => artifactType === artifactTypes.project);
    if (project === undefined) throw notAnArtifact(text, 'an index without a compose project');
    const fetched = await session.manifest(project.digest, project);
    manifest = parseManifest(fetched.bytes, fetched.mediaType);
  }
  if (manifest.kind === 'index') throw notAnArtifact(text, 'an index in an index');
  const type = manifest.artifactType ?? manifest.config.mediaType;
  if (type === artifactTypes.project || (manifest.artifactType === undefined && type === artifactTypes.emptyConfig)) {
    return manifest;
  }
  throw notAnArtifact(text, type);
}

/** Names in the folder with the layers that hold the files. */
function filesOf(layers: readonly Descriptor[], text: string): ReadonlyMap<string, Descriptor> {
  if (layers.length > maxFiles) throw notAnArtifact(text, `an artifact of ${layers.length} files`);
  const files = new Map<string, Descriptor>();
  let own = 0;
  for (const layer of layers) {
    const isOwn =
      layer.mediaType === artifactTypes.file && layer.annotations?.[artifactAnnotations.extends] === undefined;
    if (isOwn) own += 1;
    const name = isOwn ? ownFileName(own) : otherFileName(layer, text);
    if (name === undefined) continue;
    if (layer.size > maxFileBytes) throw notAnArtifact(text, `an artifact with a file of ${layer.size} bytes`);
    const known = files.get(name);
    if (known !== undefined && known.digest !== layer.digest)
      throw notAnArtifact(text, `an artifact with two files ${name}`);
    files.set(name, layer);
  }
  if (own === 0) throw notAnArtifact(text, 'an artifact without a compose file');
  return files;
}

function ownFileName(number: number): string {
  return number === 1 ? 'compose.yaml' : `compose.${number}.yaml`;
}

/** Undefined for layers of types to come. */
function otherFileName({ mediaType, annotations = {}, digest }: Descriptor, text: string): string | undefined {
  if (mediaType !== artifactTypes.file && mediaType !== artifactTypes.envFile) return undefined;
  const name = annotations[mediaType === artifactTypes.file ? artifactAnnotations.file : artifactAnnotations.envFile];
  if (name === undefined || name === '') throw notAnArtifact(text, `an artifact whose layer ${digest} has no name`);
  // All files lie side by side, and none may pass for another or lie elsewhere.
  if (!/^[^/\\\0]+$/.test(name) || name === '.' || name === '..' || /^compose(?:\.\d+)?\.yaml$/.test(name)) {
    throw new TscomposeError({
      code: 'remote/outside',
      message: `${text} has a file with the forbidden name "${name}"`,
      facts: { reference: text, path: name },
    });
  }
  return name;
}

function notAnArtifact(text: string, found: string): TscomposeError<'remote/not-an-artifact'> {
  return new TscomposeError({
    code: 'remote/not-an-artifact',
    message: `${text} is not a compose project, but ${found}`,
    facts: { reference: text, found },
    hint: 'docker compose publish and tscompose publish make such artifacts',
  });
}
