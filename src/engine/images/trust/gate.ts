import type { RegistryAuth } from '../../../api/image.js';
import type { Digest } from '../../../base/digest.js';
import { messageOf, TscomposeError } from '../../../base/errors.js';
import { parseReference, type Reference, type Registries, RegistrySession } from '../../../registry/index.js';
import {
  fetchSignatures,
  type FoundSignatures,
  judge,
  type Policy,
  readPolicy,
  type Rule,
  type Subject,
} from '../../../trust/index.js';
import type { Image } from '../types.js';
import type { SignatureFiles } from './signature-files.js';

/** Lets images in, and lets them be used, as far as the policies of this machine allow it. */
export interface TrustGate {
  /**
   * Asked before anything of an image but its manifest is fetched.
   * @param session - that the manifest came from
   * @returns the name of the key that vouches for it, where one has to
   * @throws `trust/refused`, `trust/bad-policy`, `trust/bad-key`
   */
  admitPull(pull: {
    readonly reference: Reference;
    readonly digests: readonly Digest[];
    readonly session: RegistrySession;
    readonly auth: RegistryAuth | undefined;
    readonly signal: AbortSignal;
  }): Promise<string | undefined>;
  /**
   * Asked before a container or a build step is made of an image, for a policy may be younger than the image. What was
   * built or loaded here is its owner's: policies are for what came from registries.
   * @param nameOrId - what the image was asked for by
   * @throws as `admitPull`
   */
  admitUse(image: Image, nameOrId: string, signal: AbortSignal): Promise<void>;
}

export interface GateOptions {
  /** Every one that exists has to agree. */
  readonly policyFiles: readonly string[];
  /** `given`: it was named, so one that is missing is a mistake and not the absence of a policy. */
  readonly missing: 'fine' | 'given';
  readonly signatures: SignatureFiles;
  readonly registries: Registries;
}

type Fetch = () => Promise<FoundSignatures>;

export function trustGate({ policyFiles, missing, signatures, registries }: GateOptions): TrustGate {
  const policies = async (): Promise<readonly Policy[]> => {
    const read = await Promise.all(policyFiles.map(readPolicy));
    if (missing === 'given' && read.includes(undefined)) throw noPolicy(policyFiles.join(', '));
    return read.filter((policy) => policy !== undefined);
  };

  /** @returns undefined when the rule is content, else what it found instead of a good signature */
  const objection = async (
    rule: Rule,
    subject: Subject,
    fetch: Fetch,
  ): Promise<{ readonly key?: string; readonly found?: readonly string[] }> => {
    if (rule.demand.kind === 'allow') return {};
    if (rule.demand.kind === 'refuse') return { found: [] };
    const { keys } = rule.demand;
    const known = judge(await signatures.read(subject.digests), subject, keys, Date.now());
    if (known.good) return { key: known.key.name };
    const { signatures: fetched, problems } = await fetch();
    const verdict = judge(fetched, subject, keys, Date.now());
    if (!verdict.good) return { found: [...verdict.found, ...problems] };
    for (const digest of subject.digests.slice(0, 1)) await signatures.add(digest, verdict.signature);
    return { key: verdict.key.name };
  };

  /** Signatures that a container is made with were not asked for by anyone with a password. */
  const fetchUnasked = async (reference: Reference, digests: readonly Digest[], signal: AbortSignal) => {
    try {
      const endpoint = registries.ownEndpoint(reference.domain);
      const options = { registries, endpoint, reference, auth: undefined, access: 'pull', signal } as const;
      return await fetchSignatures(new RegistrySession(options), digests);
    } catch (error) {
      signal.throwIfAborted();
      return { signatures: [], problems: [`its signatures could not be fetched: ${messageOf(error)}`] };
    }
  };

  return {
    admitPull: async ({ reference, digests, session, auth, signal }) => {
      let key: string | undefined;
      const fetch = async (): Promise<FoundSignatures> => {
        const found = await fetchSignatures(session, digests);
        if (found.signatures.length > 0 || session.registry === reference.domain) return found;
        // A mirror may have the image without its signatures.
        const endpoint = registries.ownEndpoint(reference.domain);
        const options = { registries, endpoint, reference, auth, access: 'pull', signal } as const;
        return await fetchSignatures(new RegistrySession(options), digests);
      };
      const { repository, tag, familiar } = reference;
      for (const policy of await policies()) {
        const rule = policy.ruleFor(repository);
        const { key: by, found } = await objection(rule, { repository, digests, tag }, fetch);
        if (found !== undefined) throw refused(familiar, digests, rule, found);
        key ??= by;
      }
      return key;
    },

    admitUse: async (image, nameOrId, signal) => {
      if (image.origins.length === 0) return;
      const all = await policies();
      if (all.length === 0) return;
      const name = nameOf(image, nameOrId);
      for (const policy of all) {
        const about = async (repository: string, digests: readonly Digest[]) => {
          const rule = policy.ruleFor(repository);
          const fetch = () => fetchUnasked(parseReference(repository), digests, signal);
          return { rule, digests, repository, ...(await objection(rule, { repository, digests }, fetch)) };
        };
        const origins = image.origins.map(({ repository, digests }) => ({ repository, digests }));
        const named = origins.filter(({ repository }) => repository === name?.repository);
        // A name given here is nobody's word: under it, the image has to be what the name's owner has signed.
        if (name !== undefined && named.length === 0) {
          const { rule, digests, found } = await about(
            name.repository,
            origins.flatMap((one) => one.digests),
          );
          if (found !== undefined) throw refused(name.familiar, digests, rule, found);
        }
        let first: TscomposeError | undefined;
        for (const { repository, digests } of named.length > 0 ? named : origins) {
          const { rule, found } = await about(repository, digests);
          if (found === undefined) {
            first = undefined;
            break; // one place that vouches for it is enough
          }
          const shown = name?.familiar ?? parseReference(repository).familiar;
          first ??= refused(shown, digests, rule, found);
        }
        if (first !== undefined) throw first;
      }
    },
  };
}

/** Undefined for an image that was asked for by its id. */
function nameOf(image: Image, nameOrId: string): Reference | undefined {
  const isId = /^(?:sha256:)?[0-9a-f]{6,64}$/.test(nameOrId) && image.id.includes(nameOrId.replace('sha256:', ''));
  return isId ? undefined : parseReference(nameOrId);
}

function refused(
  image: string,
  digests: readonly string[],
  rule: Rule,
  found: readonly string[],
): TscomposeError<'trust/refused'> {
  const { demand, place, patterns } = rule;
  const isDefault = place.startsWith('the default');
  const which = isDefault ? place : `the rule for ${patterns.join(', ')} (${place})`;
  const reason =
    demand.kind === 'signed'
      ? `wants a signature by ${demand.keys.map(({ name }) => name).join(' or ')}, and there is ${
          found.length === 0 ? 'none' : found.join('; ')
        }`
      : 'lets no such image in';
  return new TscomposeError({
    code: 'trust/refused',
    message: `image ${image} (${digests[0] ?? 'no digest'}) is refused: ${which} ${reason}`,
    facts: { image, digests, rule: place, found },
    hint:
      demand.kind === 'signed'
        ? 'have it signed (tscompose image sign --key KEY IMAGE) and pull it again, or change the policy'
        : 'use another image, or change the policy',
  });
}

function noPolicy(file: string): TscomposeError<'trust/bad-policy'> {
  const reason = 'it is not there';
  return new TscomposeError({
    code: 'trust/bad-policy',
    message: `cannot use the trust policy ${file}: ${reason}`,
    facts: { file, reason },
    hint: 'TSCOMPOSE_TRUST_POLICY names it',
  });
}
