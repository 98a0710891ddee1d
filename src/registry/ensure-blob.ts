import { Readable } from 'node:stream';
import { digestOf } from '../base/digest.js';
import type { RegistrySession } from './session.js';

/** Uploads a small blob, unless the repository has it. @throws `registry/…` */
export async function ensureBlob(session: RegistrySession, bytes: Buffer): Promise<void> {
  const blob = { digest: digestOf(bytes), sizeBytes: bytes.length };
  if (await session.hasBlob(blob.digest)) return;
  await session.upload(undefined, blob, () => Promise.resolve(Readable.from([bytes])));
}
