import { type TrustedKey, verifyBytes } from './keys.js';
import { mismatch, type Subject } from './payload.js';
import type { Signature } from './signatures.js';

export type Verdict =
  | { readonly good: true; readonly key: TrustedKey; readonly signature: Signature }
  /** One reason for each signature there was; none when there was none. */
  | { readonly good: false; readonly found: readonly string[] };

/** Whether one of the keys has signed the subject. A payload is read only once its signature is known to be good. */
export function judge(
  signatures: readonly Signature[],
  subject: Subject,
  keys: readonly TrustedKey[],
  nowMs: number,
): Verdict {
  const found: string[] = [];
  for (const signature of signatures) {
    const key = keys.find((one) => verifyBytes(one.key, signature.payload, signature.signature));
    if (key === undefined) {
      found.push('a signature by another key, or of something that was changed since');
      continue;
    }
    if (key.untilMs !== undefined && nowMs >= key.untilMs) {
      found.push(`a signature by ${key.name}, which has counted until ${new Date(key.untilMs).toISOString()} only`);
      continue;
    }
    const wrong = mismatch(signature.payload, subject);
    if (wrong === undefined) return { good: true, key, signature };
    found.push(`a signature by ${key.name} that ${wrong}`);
  }
  return { good: false, found: [...new Set(found)] };
}
