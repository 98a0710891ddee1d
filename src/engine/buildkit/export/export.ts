import { closeSync, constants, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { type TarMember, writeTar } from '../../../base/tar/stream.js';
import { canonicalText, parseReference } from '../../../registry/index.js';
import { type BuildResult, type BuiltImage, nameOutcome, withReadableRoot } from '../../builder/index.js';
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
    for (const { imageId } of result.images) vertex.piece(`writing image ${imageId}`, { done: true });
    for (const name of canonical) vertex.piece(`naming to ${name}`, {});
    const index = await nameOutcome(images, result, names);
    if (index !== undefined) vertex.piece(`exporting manifest list ${index}`, { done: true });
    for (const name of canonical) vertex.piece(`naming to ${name}`, { done: true });
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
    const members = result.images.map(({ imageId: image, attestations }) => ({ image, attestations }));
    const archive = images.saveAs(names, members, { signal }); // here no name moves
    await piece(vertex, 'sending tarball', () => sendStream(session, archive, { onProgress: () => undefined, signal }));
  });
  return imageFacts(result);
}

/** Of several platforms, each has a folder of its own, `linux_arm64`. */
function folderOf(result: BuildResult, platform: string): string | undefined {
  return result.images.length > 1 ? platform.replaceAll('/', '_') : undefined;
}

async function exportFolder(
  { layers }: BuildKitParts,
  result: BuildResult,
  _attributes: ExporterRequest['attributes'],
  { session, reports, signal }: ExportContext,
): Promise<Response> {
  await reports.during('exporting to client directory', async (vertex) => {
    for (const image of result.images) {
      const below = folderOf(result, image.platform);
      await withReadableRoot(layers, image.chainId, async (root) => {
        let current = 0;
        const onProgress = (bytes: number): void => void (current = bytes);
        await sendFolder(session, root, { below, onProgress, signal });
        vertex.piece(`copying files${below === undefined ? '' : ` ${image.platform}`}`, { current, done: true });
      });
    }
  });
  return {};
}

async function exportTar(
  { layers }: BuildKitParts,
  result: BuildResult,
  _attributes: ExporterRequest['attributes'],
  { session, reports, signal }: ExportContext,
): Promise<Response> {
  await reports.during('exporting to client tarball', (vertex) =>
    withReadableRoots(layers, result.images, (roots) => {
      const members = membersOf(
        roots.map((root, at) => ({ root, below: folderOf(result, result.images[at]?.platform ?? '') })),
        signal,
      );
      return piece(vertex, 'sending tarball', () =>
        sendStream(session, Readable.from(writeTar(members)), { onProgress: () => undefined, signal }),
      );
    }),
  );
  return {};
}

async function withReadableRoots<T>(
  layers: BuildKitParts['layers'],
  [image, ...others]: readonly BuiltImage[],
  work: (roots: readonly string[]) => Promise<T>,
): Promise<T> {
  if (image === undefined) return await work([]);
  return await withReadableRoot(layers, image.chainId, (root) =>
    withReadableRoots(layers, others, (roots) => work([root, ...roots])),
  );
}

async function* membersOf(
  trees: readonly { readonly root: string; readonly below: string | undefined }[],
  signal: AbortSignal,
): AsyncGenerator<TarMember> {
  for (const { root, below } of trees) {
    const folder = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      for await (const member of packTree(folder, '.', below ?? '', { oneFilesystem: true, signal })) {
        if (member.entry.path !== '') yield member;
      }
    } finally {
      closeSync(folder);
    }
  }
}

async function piece<T>(vertex: VertexReport, id: string, work: () => Promise<T>): Promise<T> {
  vertex.piece(id, {});
  const result = await work();
  vertex.piece(id, { done: true });
  return result;
}
