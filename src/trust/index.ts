/** Who has signed an image, and whether that is enough: cosign's signatures by key, and policies. */
import './errors.js';
export { judge, type Verdict } from './judge.js';
export { generateKeys, isEncrypted, readPrivateKey, readPublicKey, type TrustedKey } from './keys.js';
export type { Subject } from './payload.js';
export { type Policy, readPolicy, type Rule } from './policy.js';
export { signImage } from './sign.js';
export { fetchSignatures, type FoundSignatures, type Signature } from './signatures.js';
