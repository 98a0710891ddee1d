import { closeSync, constants, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import type { TarMember } from '../../../base/tar/stream.js';
import { writeTar } from '../../../base/tar/stream.js';
import { canonicalText, parseReference } from '../../../registry/index.js';
import { type BuildResult, withReadableRoot } from '../../builder/index.js';
import { packTree } from '../../snapshots/index.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import type { BuildKitParts } from '../parts.js';
import type { VertexReport, VertexReports } from '../progress/vertexes.js';
import { credentialsOf } from '../session/ask.js';
import { sendFolder, sendStream } from '../session/send.js';
import type { ClientSession } from '../session/sessions.js';

export interface ExporterRequest {
  /** Empty: nothing is wanted but that it builds. */
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ExportContext {
  readonly session: ClientSession;
  readonly reports: VertexReports;
  readonly signal: AbortSignal;
}

type Response = Readonly<Record<string, string>>;
type Exporter = (
  parts: BuildKitParts,
  result: BuildResult,
  attributes: ExporterRequest['attributes'],
  context: ExportContext,
) => Promise<Response>;

interface ExporterKind {
  /** What the build has to come to for it. */
  readonly output: 'image' | 'files';
  readonly run: Exporter;
}

const intoStore: ExporterKind = { output: 'image', run: exportImage };
const intoArchive: ExporterKind = { output: 'image', run: exportArchive };
const exporters: Readonly<Record<string, ExporterKind>> = {
  '': { output: 'files', run: () => Promise.resolve({}) },
  moby: intoStore,
  image: intoStore,
  docker: intoArchive,
  oci: intoArchive,
  local: { output: 'files', run: exportFolder },
  tar: { output: 'files', run: exportTar },
};

/** @throws GrpcFailure for one that is not served */
export function exporterOf({ type }: ExporterRequest): ExporterKind {
  const kind = Object.hasOwn(exporters, type) ? exporters[type] : undefined;
  if (kind === undefined)
    throw new GrpcFailure(grpcCode.unimplemented, `exporter ${JSON.stringify(type)} could not be found`);
  return kind;
}

function imageFacts({ imageId }: BuildResult): Response {
  return { 'containerimage.digest': imageId, 'containerimage.config.digest': imageId };
}

function namesIn(attributes: ExporterRequest['attributes']): string[] {
  return (attributes['name'] ?? '').split(',').filter((name) => name !== '');
}

async function exportImage(
  { images }: BuildKitParts,
  result: BuildResult,
  attributes: ExporterRequest['attributes'],
  { session, reports, signal }: ExportContext,
): Promise<Response> {
  const names = namesIn(attributes);
  const canonical = names.map((name) => canonicalText(parseReference(name)));
  await reports.during('exporting to image', async (vertex) => {
    vertex.piece('exporting layers', { done: true }); // they are in the store since they were made
    vertex.piece(`writing image ${result.imageId}`, { done: true });
    for (const [index, name] of names.entries()) {
      await piece(vertex, `naming to ${canonical[index] ?? name}`, () => images.tag(result.imageId, name));
    }
    if (attributes['push'] !== 'true') return;
    const authOf = credentialsOf(session, signal);
    for (const name of names) {
      await piece(vertex, `pushing ${name} with docker`, async () => {
        const auth = await authOf(parseReference(name).domain);
        const onProgress = (): void => undefined;
        await images.push(name, { auth, onProgress, signal });
      });
    }
  });
  return { ...imageFacts(result), ...(names.length === 0 ? {} : { 'image.name': canonical.join(',') }) };
}

async function exportArchive(
  { images }: BuildKitParts,
  result: BuildResult,
  attributes: ExporterRequest['attributes'],
  { session, reports, signal }: ExportContext,
): Promise<Response> {
  const names = namesIn(attributes);
  await reports.during('exporting to docker image format', async (vertex) => {
    for (const name of names) await images.tag(result.imageId, name);
    const archive = images.save(names.length === 0 ? [result.imageId] : names, { signal });
    await piece(vertex, 'sending tarball', () => sendStream(session, archive, { onProgress: () => undefined, signal }));
  });
  return imageFacts(result);
}

async function exportFolder(
  { layers }: BuildKitParts,
  { chainId }: BuildResult,
  _attributes: ExporterRequest['attributes'],
  { session, reports, signal }: ExportContext,
): Promise<Response> {
  await reports.during('exporting to client directory', (vertex) =>
    withReadableRoot(layers, chainId, async (root) => {
      let current = 0;
      const onProgress = (bytes: number): void => void (current = bytes);
      await sendFolder(session, root, { onProgress, signal });
      vertex.piece('copying files', { current, done: true });
    }),
  );
  return {};
}

async function exportTar(
  { layers }: BuildKitParts,
  { chainId }: BuildResult,
  _attributes: ExporterRequest['attributes'],
  { session, reports, signal }: ExportContext,
): Promise<Response> {
  await reports.during('exporting to client tarball', (vertex) =>
    withReadableRoot(layers, chainId, (root) =>
      piece(vertex, 'sending tarball', () =>
        sendStream(session, Readable.from(writeTar(membersOf(root, signal))), { onProgress: () => undefined, signal }),
      ),
    ),
  );
  return {};
}

async function* membersOf(root: string, signal: AbortSignal): AsyncGenerator<TarMember> {
  const folder = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for await (const member of packTree(folder, '.', '', { oneFilesystem: true, signal })) {
      if (member.entry.path !== '') yield member;
    }
  } finally {
    closeSync(folder);
  }
}

async function piece<T>(vertex: VertexReport, id: string, work: () => Promise<T>): Promise<T> {
  vertex.piece(id, {});
  const result = await work();
  vertex.piece(id, { done: true });
  return result;
}
