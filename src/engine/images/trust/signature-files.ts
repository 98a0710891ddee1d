import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf } from '../../../base/digest.js';
import { readIfPresent, replaceFile } from '../../../base/durable-file.js';
import { objectOf } from '../../../registry/index.js';
import type { Signature } from '../../../trust/index.js';

/**
 * Signatures that were good once, by the digest they were found for: so that a container can be made again without its
 * registry. They are judged anew each time; what is in these files proves nothing by itself.
 */
export interface SignatureFiles {
  read(digests: readonly Digest[]): Promise<readonly Signature[]>;
  add(digest: Digest, signature: Signature): Promise<void>;
  /** Removes what belongs to no image any more. */
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

const maxKept = 16;

export function signatureFiles(dir: string): SignatureFiles {
  const fileOf = (digest: Digest) => join(dir, `${hexOf(digest)}.json`);
  const read = async (digest: Digest): Promise<Signature[]> => parse(await readIfPresent(fileOf(digest)));
  return {
    read: async (digests) => (await Promise.all([...new Set(digests)].map(read))).flat(),
    add: async (digest, signature) => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const others = (await read(digest)).filter((one) => !one.signature.equals(signature.signature));
      const kept = [signature, ...others].slice(0, maxKept).map((one) => ({
        payload: one.payload.toString('base64'),
        signature: one.signature.toString('base64'),
      }));
      await replaceFile(fileOf(digest), JSON.stringify({ schema: 1, signatures: kept }), { strength: 'atomic' });
    },
    keepOnly: async (digests) => {
      for (const name of await readdir(dir).catch(() => [])) {
        if (!digests.has(`sha256:${name.replace(/\.json$/, '')}`)) await rm(join(dir, name), { force: true });
      }
    },
  };
}

/** A damaged file holds nothing: the registry is asked again. */
function parse(text: string | undefined): Signature[] {
  if (text === undefined) return [];
  let document: Record<string, unknown> | undefined;
  try {
    document = objectOf(JSON.parse(text));
  } catch {
    return [];
  }
  const list: unknown = document?.['signatures'];
  if (document?.['schema'] !== 1 || !Array.isArray(list)) return [];
  return list.flatMap((entry: unknown) => {
    const { payload, signature } = objectOf(entry) ?? {};
    if (typeof payload !== 'string' || typeof signature !== 'string') return [];
    return [{ payload: Buffer.from(payload, 'base64'), signature: Buffer.from(signature, 'base64') }];
  });
}
