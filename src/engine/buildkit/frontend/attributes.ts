import type { Ulimit } from '../../../api/container.js';
import { parseGitReference } from '../../../base/git/reference.js';
import { objectOf, parseJson } from '../../../registry/index.js';
import { type BuildNetwork, type BuildRequest, provenanceMode } from '../../builder/index.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';

/** Where the files of a build, or of one of its named contexts, come from. */
export type ContextSource =
  /** The client's folder of that name. */
  | { readonly kind: 'local'; readonly folder: string }
  | { readonly kind: 'git'; readonly url: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'image'; readonly reference: string }
  /** An archive that the client was given on standard input. */
  | { readonly kind: 'upload'; readonly url: URL };

/** What a client asks of `dockerfile.v0`, taken apart. */
export interface Attributes {
  /** In the folder with the Dockerfile. */
  readonly filename: string;
  readonly context: Exclude<ContextSource, { kind: 'image' }>;
  /** The client's folder with the Dockerfile; undefined: it lies in the context. */
  readonly dockerfileFolder: string | undefined;
  readonly named: Readonly<Record<string, ContextSource>>;
  /** Session of a folder that another than the build's own has. */
  readonly sessionOf: (folder: string) => string | undefined;
  readonly request: Pick<
    BuildRequest,
    | 'args'
    | 'target'
    | 'labels'
    | 'noCache'
    | 'pull'
    | 'networkMode'
    | 'platforms'
    | 'cacheFrom'
    | 'provenance'
    | 'extraHosts'
    | 'shmSizeBytes'
    | 'ulimits'
  >;
}

/**
 * The attributes of BuildKit's Dockerfile frontend (its frontend/dockerui).
 * @throws GrpcFailure for what cannot be done
 */
export function parseAttributes(attributes: Readonly<Record<string, string>>): Attributes {
  const given = (name: string): string | undefined => (attributes[name] === '' ? undefined : attributes[name]);
  if (given('requestid') !== undefined)
    throw refused(`the request ${attributes['requestid'] ?? ''} of the Dockerfile frontend`);
  const platforms = list(given('platform'));
  const target = given('target');
  const hosts = list(given('add-hosts')).map((entry) => entry.replace('=', ':'));
  const shm = given('shm-size');
  const ulimits = list(given('ulimit')).map(ulimitOf);
  if ('attest:sbom' in attributes) throw refused('an SBOM: it has no scanner that would list the packages of an image');
  const cacheFrom = cacheImports(given('cache-imports'));
  const main = contextOf(given('context'), given('contextkey') ?? 'context');
  if (main.kind === 'image') throw refused('an image as the build context');
  return {
    filename: given('filename') ?? 'Dockerfile',
    context: main,
    dockerfileFolder: main.kind === 'local' ? (given('dockerfilekey') ?? 'dockerfile') : given('dockerfilekey'),
    named: mapValues(prefixed(attributes, 'context:'), (value, name) => contextOf(value, name)),
    sessionOf: (folder) => given(`local-sessionid:${folder}`),
    request: {
      args: prefixed(attributes, 'build-arg:'),
      labels: prefixed(attributes, 'label:'),
      // A list names stages; the builder knows all or nothing, and to build too much gives the same files.
      noCache: 'no-cache' in attributes,
      pull: given('image-resolve-mode') === 'pull',
      networkMode: networkOf(given('force-network-mode')),
      ...(target === undefined ? {} : { target }),
      ...(platforms.length === 0 ? {} : { platforms }),
      ...(cacheFrom.length === 0 ? {} : { cacheFrom }),
      provenance: provenanceOf(attributes['attest:provenance']),
      ...(hosts.length === 0 ? {} : { extraHosts: hosts }),
      ...(shm === undefined ? {} : { shmSizeBytes: Number(shm) }),
      ...(ulimits.length === 0 ? {} : { ulimits }),
    },
  };
}

/** @param folder - the client's name where the value names nothing else */
function contextOf(value: string | undefined, folder: string): ContextSource {
  if (value === undefined) return { kind: 'local', folder };
  const [, scheme = '', rest = ''] = /^([a-z][a-z-]*):(.*)$/s.exec(value) ?? [];
  if (scheme === 'local') return { kind: 'local', folder: rest };
  if (scheme === 'docker-image') return { kind: 'image', reference: rest.replace(/^\/\//, '') };
  if (/^https?:\/\/buildkit-session\//.test(value)) return { kind: 'upload', url: new URL(value) };
  if (parseGitReference(value) !== undefined) return { kind: 'git', url: value };
  if (/^https?:\/\//.test(value)) return { kind: 'url', url: value };
  throw refused(`a build context like ${JSON.stringify(value)}`);
}

/** What clients ask for by themselves, `inline-only`, is for images that are pushed at once; nobody asked for it. */
function provenanceOf(text: string | undefined): BuildRequest['provenance'] {
  if (text === undefined || text.split(',').includes('inline-only=true')) return undefined;
  return provenanceMode(text === '' ? 'true' : text);
}

/** @returns as a Compose file has them; those in a folder of the client's are passed over */
function cacheImports(text: string | undefined): string[] {
  const entries: unknown = text === undefined ? [] : parseJson('cache-imports', text);
  return (Array.isArray(entries) ? entries : []).flatMap((entry: unknown) => {
    const { Type, Attrs } = objectOf(entry) ?? {};
    return typeof Type !== 'string' || Type === 'local' ? [] : [cacheText(Type, objectOf(Attrs) ?? {})];
  });
}

export function cacheText(type: string, attributes: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${String(value)}`);
  return [`type=${type}`, ...pairs].join(',');
}

function networkOf(mode: string | undefined): BuildNetwork {
  if (mode === undefined || mode === 'default' || mode === 'sandbox' || mode === 'bridge') return 'bridge';
  if (mode === 'none' || mode === 'host') return mode;
  throw refused(`the network ${JSON.stringify(mode)} in a build, which can use default, none and host,`);
}

/** `nofile=1024:2048` or `nofile=1024`. */
function ulimitOf(text: string): Ulimit {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null) throw new GrpcFailure(grpcCode.invalidArgument, `invalid ulimit: ${text}`);
  const [, name = '', soft = '', hard = soft] = match;
  return { Name: name, Soft: Number(soft), Hard: Number(hard) };
}

function list(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((entry) => entry !== '');
}

function prefixed(attributes: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}

function mapValues<T, U>(
  values: Readonly<Record<string, T>>,
  change: (value: T, name: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
}

function refused(what: string): GrpcFailure {
  return new GrpcFailure(grpcCode.unimplemented, `this engine does not support ${what}`);
}
