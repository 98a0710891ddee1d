/** Registries: names of images, the OCI distribution protocol, credentials of a session, manifests. */
export { type CredentialOptions, dockerCredentials, knownRegistries } from './docker-credentials.js';
export { ensureBlob } from './ensure-blob.js';
export { badDocument, objectOf, parseJson, parseObject } from './documents.js';
export { type Descriptor, type Manifest, parseDescriptor, parseManifest } from './manifest.js';
export { mediaTypes } from './media-types.js';
export { hostPlatform, type Platform, platformScore, platformText } from './platform.js';
export {
  canonicalText,
  nameToGive,
  parseReference,
  type Reference,
  withDefaultTag,
  withDigest,
  withTag,
} from './reference.js';
export { checkLogin } from './login.js';
export { openRegistries, type Registries, type RegistryOptions } from './registries.js';
export { searchIndex } from './search.js';
export { type FetchedManifest, RegistrySession } from './session.js';
export { fromSources } from './sources.js';
