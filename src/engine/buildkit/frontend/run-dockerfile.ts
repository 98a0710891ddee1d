import type { CleanupStack } from '../../../base/cleanup-stack.js';
import { ignoredPatterns, parseIgnore } from '../../../base/ignore-rules.js';
import type {
  AdditionalContext,
  BuildContext,
  BuildRequest,
  BuildResult,
  DockerfileSource,
} from '../../builder/index.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import type { BuildKitParts } from '../parts.js';
import { buildProgress } from '../progress/build-progress.js';
import type { VertexReport, VertexReports } from '../progress/vertexes.js';
import { agentsOf, credentialsOf, secretsOf, uploadOf } from '../session/ask.js';
import { mirrorInto } from '../session/mirror.js';
import { receiveFolder } from '../session/receive.js';
import type { ClientSession } from '../session/sessions.js';
import { receiveSmallFiles } from '../session/small-files.js';
import { type Attributes, type ContextSource, parseAttributes } from './attributes.js';
import { buildFailure, failureText } from './failure.js';

export interface DockerfileRun {
  readonly attributes: Readonly<Record<string, string>>;
  readonly entitlements: readonly string[];
  readonly session: ClientSession;
  readonly reports: VertexReports;
  readonly cacheTo: readonly string[];
  readonly output: NonNullable<BuildRequest['output']>;
  /** Given the outcome while its layers are kept. */
  readonly deliver: (result: BuildResult) => Promise<void>;
  /** Undone when the build has ended. */
  readonly undo: CleanupStack;
  readonly signal: AbortSignal;
}

interface Definition {
  readonly source: DockerfileSource;
  /** The ignore file beside the Dockerfile, which wins over the context's own. */
  readonly ignore: string | undefined;
  /** Digest of the vertex that loaded it; empty where it comes with the context. */
  readonly vertex: string;
}

/**
 * BuildKit's `dockerfile.v0` on our builder: takes the Dockerfile and the contexts from the client, builds, and tells it
 * all as vertexes.
 * @throws GrpcFailure
 */
export async function runDockerfile(parts: BuildKitParts, run: DockerfileRun): Promise<BuildResult> {
  const { session, reports, signal } = run;
  const wanted = parseAttributes(run.attributes);
  let dockerfile: { name: string; text: string } | undefined;
  let definitionVertex = '';
  const progress = buildProgress(reports, () => definitionVertex);
  try {
    const definition = await definitionOf(parts, run, wanted);
    definitionVertex = definition.vertex;
    if (definition.source.kind === 'text') dockerfile = definition.source;
    const request: BuildRequest = {
      ...wanted.request,
      context: await contextOf(parts, run, wanted, definition.ignore),
      dockerfile: definition.source,
      tags: [],
      secrets: secretsOf(session),
      ssh: agentsOf(session, signal),
      entitlements: run.entitlements,
      output: run.output,
      cacheTo: run.cacheTo,
      additionalContexts: await namedContexts(parts, run, wanted),
    };
    return await (
      await parts.builder()
    ).build(request, {
      onProgress: progress.onProgress,
      text: 'none',
      registryAuth: credentialsOf(session, signal),
      deliver: run.deliver,
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw new GrpcFailure(grpcCode.canceled, 'context canceled', [], { cause: error });
    const vertex = progress.fail(failureText(error));
    throw buildFailure(error, { dockerfile, vertex: vertex?.digest });
  }
}

async function definitionOf(parts: BuildKitParts, run: DockerfileRun, wanted: Attributes): Promise<Definition> {
  const { filename, dockerfileFolder: folder } = wanted;
  if (folder === undefined) return { source: { kind: 'in-context', path: filename }, ignore: undefined, vertex: '' };
  const session = await sessionFor(parts, run, wanted, folder);
  const beside = `${filename}.dockerignore`;
  const spare = filename === 'Dockerfile' ? ['dockerfile'] : [];
  let shownBy = '';
  const files = await run.reports.during(`[internal] load build definition from ${filename}`, (vertex) => {
    shownBy = vertex.digest;
    return transferring(vertex, 'dockerfile', (onProgress) =>
      receiveSmallFiles(session, { folder, only: [filename, beside, ...spare], onProgress, signal: run.signal }),
    );
  });
  const text = [filename, ...spare].map((name) => files(name)).find((found) => found !== undefined);
  if (text === undefined) {
    throw new GrpcFailure(grpcCode.unknown, `failed to read dockerfile: open ${filename}: no such file or directory`);
  }
  return { source: { kind: 'text', text, name: filename }, ignore: files(beside), vertex: shownBy };
}

async function contextOf(
  parts: BuildKitParts,
  run: DockerfileRun,
  wanted: Attributes,
  ignore: string | undefined,
): Promise<BuildContext> {
  const { context } = wanted;
  switch (context.kind) {
    case 'git':
    case 'url':
      return context;
    case 'upload':
      return { kind: 'tar', stream: uploadOf(run.session, context.url, run.signal) };
    case 'local': {
      const rules = ignore ?? (await ignoreFileOf(parts, run, wanted, context.folder));
      const title = '[internal] load build context';
      return {
        kind: 'deferred',
        ignore: parseIgnore(rules),
        take: async (paths) => {
          const only = paths === 'all' ? [] : paths;
          return (await localFolder(parts, run, wanted, { folder: context.folder, ignore: rules, title, only })).path;
        },
      };
    }
  }
}

async function namedContexts(
  parts: BuildKitParts,
  run: DockerfileRun,
  wanted: Attributes,
): Promise<Record<string, AdditionalContext>> {
  const contexts: Record<string, AdditionalContext> = {};
  for (const [name, source] of Object.entries(wanted.named)) {
    contexts[name] = await namedContext(parts, run, wanted, name, source);
  }
  return contexts;
}

async function namedContext(
  parts: BuildKitParts,
  run: DockerfileRun,
  wanted: Attributes,
  name: string,
  source: ContextSource,
): Promise<AdditionalContext> {
  switch (source.kind) {
    case 'image':
    case 'git':
    case 'url':
      return source;
    case 'upload':
      throw new GrpcFailure(grpcCode.unimplemented, `the context ${name} cannot be an archive`);
    case 'local': {
      const rules = await ignoreFileOf(parts, run, wanted, source.folder);
      const title = `[context ${name}] load from client`;
      return await localFolder(parts, run, wanted, { folder: source.folder, ignore: rules, title, only: [] });
    }
  }
}

async function ignoreFileOf(
  parts: BuildKitParts,
  run: DockerfileRun,
  wanted: Attributes,
  folder: string,
): Promise<string> {
  const name = '.dockerignore';
  const session = await sessionFor(parts, run, wanted, folder);
  const files = await run.reports.during(
    `[${folder === 'context' ? 'internal' : `context ${folder}`}] load ${name}`,
    (vertex) =>
      transferring(vertex, 'context', (onProgress) =>
        receiveSmallFiles(session, { folder, only: [name], onProgress, signal: run.signal }),
      ),
  );
  return files(name) ?? '';
}

interface LocalFolder {
  readonly folder: string;
  /** Text of its ignore file. */
  readonly ignore: string;
  /** Of the vertex that shows its transfer. */
  readonly title: string;
  /** Paths to take; none: all. */
  readonly only: readonly string[];
}

/** A folder of the client, mirrored into a spool that is this build's until it has ended. */
async function localFolder(
  parts: BuildKitParts,
  run: DockerfileRun,
  wanted: Attributes,
  { folder, ignore, title, only }: LocalFolder,
): Promise<{ readonly kind: 'directory'; readonly path: string; readonly filtered: true }> {
  const session = await sessionFor(parts, run, wanted, folder);
  const exclude = ignoredPatterns(ignore);
  const spools = await parts.spools();
  const spool = await spools.take(
    session.sharedKey === '' ? undefined : JSON.stringify([session.sharedKey, folder, only]),
  );
  run.undo.defer(() => spool.release());
  await run.reports.during(title, (vertex) =>
    transferring(vertex, folder, (onProgress) =>
      receiveFolder(session, mirrorInto(spool.path), { folder, exclude, only, onProgress, signal: run.signal }),
    ),
  );
  return { kind: 'directory', path: spool.path, filtered: true };
}

async function sessionFor(
  parts: BuildKitParts,
  { session, signal }: DockerfileRun,
  { sessionOf }: Attributes,
  folder: string,
): Promise<ClientSession> {
  const other = sessionOf(folder);
  return other === undefined ? session : await parts.sessions.get(other, signal);
}

const progressEveryMs = 100;

/** A transfer as a piece of a vertex's work: how much has come, and in the end how much it was. */
async function transferring<T>(
  vertex: VertexReport,
  what: string,
  work: (onProgress: (bytes: number) => void) => Promise<T>,
): Promise<T> {
  const id = `transferring ${what}:`;
  let current = 0;
  let nextMs = 0;
  const result = await work((bytes) => {
    current = bytes;
    const nowMs = performance.now();
    if (nowMs < nextMs) return;
    nextMs = nowMs + progressEveryMs;
    vertex.piece(id, { current });
  });
  vertex.piece(id, { current, done: true });
  return result;
}
