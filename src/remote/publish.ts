import type { RegistryAuth } from '../api/image.js';
import { digestOf } from '../base/digest.js';
import { hasCode } from '../base/errors.js';
import {
  canonicalText,
  ensureBlob,
  openRegistries,
  parseReference,
  RegistrySession,
  type RegistryOptions,
  withDefaultTag,
} from '../registry/index.js';
import { artifactAnnotations, artifactTypes } from './artifact.js';

/** A file of a project to publish. The project's own come first, in their order. */
export interface PublishedFile {
  /** Without a folder. */
  readonly name: string;
  readonly kind: 'compose' | 'env';
  readonly bytes: Buffer;
}

export interface PublishOptions {
  readonly registries: RegistryOptions;
  readonly credentials: (domain: string) => Promise<RegistryAuth | undefined>;
  /** Absent: 1.1, and 1.0 where the registry refuses that. */
  readonly ociVersion: '1.0' | '1.1' | undefined;
  /** Noted on every compose file. */
  readonly version: string;
  readonly signal: AbortSignal;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const emptyType = 'application/vnd.oci.empty.v1+json';

interface Layer {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Puts a project into a registry as the OCI artifact that `oci://` reads, here and in docker compose.
 * @returns the whole reference, with the digest of what was published
 * @throws `image/invalid-reference`, `registry/…`
 */
export async function publishArtifact(
  text: string,
  files: readonly PublishedFile[],
  { registries: settings, credentials, ociVersion, version, signal }: PublishOptions,
): Promise<string> {
  const reference = withDefaultTag(parseReference(text));
  const registries = openRegistries(settings);
  try {
    const auth = await credentials(reference.domain);
    const endpoint = registries.ownEndpoint(reference.domain);
    const session = new RegistrySession({ registries, endpoint, reference, auth, access: 'pull,push', signal });
    const layers = files.map((file) => layerOf(file, version));
    const empty: Layer = { mediaType: emptyType, bytes: Buffer.from('{}') };
    for (const { bytes } of [empty, ...layers]) await ensureBlob(session, bytes);
    const put = async (format: '1.0' | '1.1'): Promise<string> => {
      const manifest = Buffer.from(JSON.stringify(manifestOf(empty, layers, format)));
      await session.putManifest(reference.tag ?? 'latest', manifest, manifestType);
      return `${canonicalText(reference)}@${digestOf(manifest)}`;
    };
    if (ociVersion !== undefined) return await put(ociVersion);
    try {
      return await put('1.1');
    } catch (error) {
      if (!hasCode(error, 'registry/failed')) throw error;
      return await put('1.0');
    }
  } finally {
    registries.http.close();
  }
}

function layerOf({ name, kind, bytes }: PublishedFile, version: string): Layer {
  const { file, envFile } = artifactAnnotations;
  return kind === 'compose'
    ? { mediaType: artifactTypes.file, bytes, annotations: { [file]: name, [artifactAnnotations.version]: version } }
    : { mediaType: artifactTypes.envFile, bytes, annotations: { [envFile]: name } };
}

/** Registries that know no artifact types tell artifacts by the type of their config. */
function manifestOf(empty: Layer, layers: readonly Layer[], format: '1.0' | '1.1'): Readonly<Record<string, unknown>> {
  const config = descriptorOf(format === '1.1' ? empty : { ...empty, mediaType: artifactTypes.emptyConfig });
  const type = format === '1.1' ? { artifactType: artifactTypes.project } : {};
  return { schemaVersion: 2, mediaType: manifestType, ...type, config, layers: layers.map(descriptorOf) };
}

function descriptorOf({ mediaType, bytes, annotations }: Layer): Readonly<Record<string, unknown>> {
  const noted = annotations === undefined ? {} : { annotations };
  return { mediaType, digest: digestOf(bytes), size: bytes.length, ...noted };
}
