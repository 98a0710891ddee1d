import { createReadStream } from 'node:fs';
import type { BuildDetails } from '../api/tscompose.js';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { errnoOf, TscomposeError } from '../base/errors.js';
import { readIfPresent } from '../base/durable-file.js';
import { parseIgnore, type IgnoreRules } from '../base/ignore-rules.js';
import type { TarEntry } from '../base/tar/entry.js';
import { writeTar, type TarMember } from '../base/tar/stream.js';
import { type BuildContext, type EngineClient, isNotFound } from '../client/index.js';
import type { BuildRequest } from '../plan/index.js';
import { needsBuildkit } from './needs-buildkit.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'execute/no-context': { readonly path: string; readonly service: string };
    'execute/no-dockerfile': { readonly path: string; readonly service: string };
    'execute/no-secret': { readonly secret: string; readonly service: string; readonly path: string };
    'execute/no-ssh-agent': { readonly id: string; readonly service: string };
    /** Only the embedded engine takes it. */
    'execute/build-unsupported': { readonly features: readonly string[]; readonly service: string };
  }
}

/** Name that a Dockerfile given as text, or one from outside of the context, gets in a tar. */
const injectedName = '.dockerfile.tscompose';

export interface PreparedContext {
  readonly context: BuildContext;
  /** Name of the Dockerfile in it. */
  readonly dockerfile: string | undefined;
  /** The builder of an engine that has several. */
  readonly builder?: 'buildkit';
  /** The engine does not know pinned bases, and the build can do without: whoever starts it tells the user. */
  readonly unpinned?: boolean;
}

/**
 * The context of a build in the form that the engine can take: in place where the embedded engine can read it, else as
 * a tar without what `.dockerignore` names.
 * @throws `execute/no-context`, `execute/no-dockerfile`, `execute/no-secret`, `execute/no-ssh-agent`,
 *   `execute/build-unsupported`
 */
export async function prepareContext(
  client: EngineClient,
  service: string,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<PreparedContext> {
  const { context, dockerfile = 'Dockerfile', dockerfileInline } = request;
  const isOurs = await readsInPlace(client, signal);
  if (!isOurs && request.bases?.only === false) {
    return { ...(await prepareContext(client, service, { ...request, bases: undefined }, signal)), unpinned: true };
  }
  const common = await detailsOf(service, request);
  if (!isOurs) refuseDetails(service, common);
  if (!isOurs && request.platforms.length > 1) throw unsupportedBuild(service, ['several platforms']);
  const details = request.cacheTo.length === 0 ? common : { ...common, cacheTo: request.cacheTo };
  if (context === undefined) {
    return { ...tarOf(undefined, injectedName, dockerfileInline ?? '', signal), ...builderFor(dockerfileInline ?? '') };
  }
  if (/^(https?|git|ssh):\/\/|^git@|^github\.com\//.test(context)) {
    const own = { ...details, ...(dockerfileInline === undefined ? {} : { dockerfile: dockerfileInline }) };
    return { context: { kind: 'remote', url: context, ...(isOurs ? given(own) : {}) }, dockerfile: request.dockerfile };
  }
  await requireDirectory(context, service);
  const path = resolve(context, dockerfile);
  if (dockerfileInline === undefined) await requireFile(path, service);
  const inside = relative(context, path);
  const outside = inside === '..' || inside.startsWith('../') || isAbsolute(inside);
  const text = dockerfileInline ?? (outside ? await readFile(path, 'utf8') : undefined);
  if (!isOurs) {
    const builder = builderFor(text ?? (await readFile(path, 'utf8')));
    return { ...tarOf(context, text === undefined ? inside : injectedName, text, signal), ...builder };
  }
  const all = text === undefined ? details : { ...details, dockerfile: text };
  return {
    context: { kind: 'directory', path: context, ...given(all) },
    dockerfile: text === undefined ? inside : undefined,
  };
}

function builderFor(dockerfile: string): Pick<PreparedContext, 'builder'> {
  return needsBuildkit(dockerfile) ? { builder: 'buildkit' } : {};
}

function given(details: BuildDetails): { details?: BuildDetails } {
  return Object.keys(details).length === 0 ? {} : { details };
}

async function detailsOf(service: string, request: BuildRequest): Promise<BuildDetails> {
  const { additionalContexts, entitlements, bases, provenance } = request;
  const secrets: Record<string, string> = {};
  for (const [id, secret] of Object.entries(request.secrets)) {
    const value = 'file' in secret ? await readSecret(service, id, secret.file) : Buffer.from(secret.text);
    secrets[id] = value.toString('base64');
  }
  const ssh = Object.fromEntries(
    Object.entries(request.ssh).map(([id, socket]) => {
      if (socket === null) throw noAgent(service, id);
      return [id, socket];
    }),
  );
  const all = {
    secrets,
    ssh,
    contexts: additionalContexts,
    entitlements,
    ...(bases === undefined ? {} : { bases }),
    ...(provenance === undefined ? {} : { provenance }),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => Object.keys(value).length > 0));
}

async function readSecret(service: string, secret: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TscomposeError({
      code: 'execute/no-secret',
      message: `the secret "${secret}" for the build of service "${service}" is the file ${path}, which cannot be read`,
      facts: { secret, service, path },
      cause,
    });
  }
}

function noAgent(service: string, id: string): TscomposeError<'execute/no-ssh-agent'> {
  return new TscomposeError({
    code: 'execute/no-ssh-agent',
    message: `the build of service "${service}" is to be given the ssh agent "${id}", and none runs here`,
    facts: { id, service },
    hint: 'start ssh-agent so that SSH_AUTH_SOCK names its socket, or name the socket as ssh: ["id=/path"]',
  });
}

function refuseDetails(service: string, details: BuildDetails): void {
  const features = Object.keys(details);
  if (features.length > 0) throw unsupportedBuild(service, features);
}

export function unsupportedBuild(
  service: string,
  features: readonly string[],
): TscomposeError<'execute/build-unsupported'> {
  return new TscomposeError({
    code: 'execute/build-unsupported',
    message: `the build of service "${service}" uses ${features.join(', ')}, which the classic builder of this engine does not have`,
    facts: { features, service },
    hint: 'use the embedded engine: leave DOCKER_HOST unset',
  });
}

function tarOf(
  context: string | undefined,
  dockerfile: string,
  text: string | undefined,
  signal: AbortSignal,
): PreparedContext {
  return {
    context: { kind: 'tar', stream: Readable.from(writeTar(members(context, dockerfile, text, signal))) },
    dockerfile,
  };
}

/** Only the embedded engine knows its own status. */
export async function readsInPlace(client: EngineClient, signal: AbortSignal): Promise<boolean> {
  if (!client.host.startsWith('unix:')) return false;
  try {
    await client.status(signal);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function requireDirectory(path: string, service: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (stats !== undefined && (stats.isDirectory() || stats.isSymbolicLink())) return;
  throw new TscomposeError({
    code: 'execute/no-context',
    message: `build context ${path} of service "${service}" ${stats === undefined ? 'does not exist' : 'is not a directory'}`,
    facts: { path, service },
  });
}

async function requireFile(path: string, service: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats !== undefined && !stats.isDirectory()) return;
  throw new TscomposeError({
    code: 'execute/no-dockerfile',
    message: `service "${service}" is built with ${path}, which does not exist`,
    facts: { path, service },
  });
}

async function* members(
  context: string | undefined,
  dockerfile: string,
  text: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<TarMember> {
  if (text !== undefined) {
    const body = Buffer.from(text);
    yield { entry: { ...plain(dockerfile), sizeBytes: body.byteLength }, body };
  }
  if (context === undefined) return;
  // BuildKit knows an archive by its first 1024 bytes, which a header with nanoseconds would not fit in.
  yield { entry: { ...plain('.'), type: 'directory', mode: 0o755 } };
  const rules =
    (await readIfPresent(join(context, `${dockerfile}.dockerignore`))) ??
    (await readIfPresent(join(context, '.dockerignore'))) ??
    '';
  // The builder needs these two whatever the rules say.
  const ignore = parseIgnore(`${rules}\n!${dockerfile}\n!.dockerignore`);
  yield* folder(context, '', { ignore, signal });
}

interface Walk {
  readonly ignore: IgnoreRules;
  readonly signal: AbortSignal;
}

async function* folder(root: string, path: string, walk: Walk): AsyncGenerator<TarMember> {
  const names = (await readdir(join(root, path))).sort();
  for (const name of names) {
    walk.signal.throwIfAborted();
    const inside = path === '' ? name : `${path}/${name}`;
    const whole = join(root, inside);
    const stats = await lstat(whole, { bigint: true });
    const ignored = walk.ignore.ignores(inside);
    const entry = { ...plain(inside), mode: Number(stats.mode) & 0o7777, mtimeNs: stats.mtimeNs };
    if (stats.isDirectory()) {
      if (!ignored) yield { entry: { ...entry, type: 'directory' } };
      if (!ignored || !walk.ignore.prunes(inside)) yield* folder(root, inside, walk);
    } else if (ignored) {
      continue;
    } else if (stats.isSymbolicLink()) {
      yield { entry: { ...entry, type: 'symlink', linkPath: await readlink(whole) } };
    } else if (stats.isFile()) {
      yield { entry: { ...entry, sizeBytes: Number(stats.size) }, body: createReadStream(whole) };
    } else if (stats.isFIFO()) {
      yield { entry: { ...entry, type: 'fifo' } };
    }
  }
}

function plain(path: string): TarEntry {
  return { type: 'file', path, mode: 0o644, uid: 0, gid: 0, sizeBytes: 0, mtimeNs: 0n };
}
