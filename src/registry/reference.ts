import { type Digest, isDigest } from '../base/digest.js';
import { TscomposeError } from '../base/errors.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'image/invalid-reference': { readonly reference: string };
  }
}

/** `domain/path:tag@digest`, parsed. */
export interface Reference {
  /** `docker.io` where none was written. */
  readonly domain: string;
  /** `library/busybox` where only `busybox` was written. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
  /** `docker.io/library/busybox` */
  readonly repository: string;
  /** The repository as people write it: `busybox`, `me/app`, `localhost:5000/app`. */
  readonly familiarRepository: string;
  /** With tag and digest as given, as people write it. */
  readonly familiar: string;
}

const defaultDomain = 'docker.io';
const officialPrefix = 'library/';
const maxRepositoryLength = 255;

const domainPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?$/;
const pathPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const hexPattern = /^[a-f0-9]{64}$/;

/**
 * Parses what people write after `image:` or `docker pull` (distribution's reference grammar, with Docker's defaults for
 * domain and `library/`). No tag is added.
 * @throws `image/invalid-reference`
 */
export function parseReference(text: string): Reference {
  if (hexPattern.test(text)) throw invalid(text, 'cannot specify 64-byte hexadecimal strings');
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digestText = at < 0 ? undefined : text.slice(at + 1);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const { domain, path } = splitDomain(name);
  if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text);
  if (digestText !== undefined && !isDigest(digestText)) throw invalid(text);
  if (!domainPattern.test(domain) || !pathPattern.test(path)) {
    const lower = path.toLowerCase();
    const shown = domain === defaultDomain ? path : `${domain}/${path}`;
    const isCase = path !== lower && pathPattern.test(lower);
    throw invalid(text, isCase ? `repository name (${shown}) must be lowercase` : undefined);
  }
  if (`${domain}/${path}`.length > maxRepositoryLength) {
    throw invalid(text, `repository name must not be more than ${maxRepositoryLength} characters`);
  }
  return referenceOf({ domain, path, tag, digest: digestText });
}

/** The same reference with `latest` where it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? withTag(reference, 'latest') : reference;
}

/** The repository with another tag and no digest. @throws `image/invalid-reference` */
export function withTag({ domain, path, familiarRepository }: Reference, tag: string): Reference {
  if (!tagPattern.test(tag)) throw invalid(`${familiarRepository}:${tag}`);
  return referenceOf({ domain, path, tag, digest: undefined });
}

/** The repository pinned to a digest, without tag. */
export function withDigest({ domain, path }: Reference, digest: Digest): Reference {
  return referenceOf({ domain, path, tag: undefined, digest });
}

/**
 * A name that an image is to get: `latest` where none was given.
 * @throws `image/invalid-reference` - digests are nobody's to give, and what begins with `sha256:` is read as one
 */
export function nameToGive(reference: Reference): Reference {
  const { familiar, familiarRepository, digest } = reference;
  if (digest !== undefined) throw refused(familiar, 'refusing to create a tag with a digest reference');
  if (familiarRepository === 'sha256') {
    throw refused(familiar, 'refusing to create an ambiguous tag using digest algorithm as name');
  }
  return withDefaultTag(reference);
}

/** The whole reference: `docker.io/library/busybox:latest`. */
export function canonicalText({ repository, tag, digest }: Reference): string {
  return `${repository}${suffix(tag, digest)}`;
}

function referenceOf(parts: {
  readonly domain: string;
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}): Reference {
  const { domain, path, tag, digest } = parts;
  const familiarRepository = familiarName(domain, path);
  return {
    domain,
    path,
    repository: `${domain}/${path}`,
    familiarRepository,
    familiar: `${familiarRepository}${suffix(tag, digest)}`,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function suffix(tag: string | undefined, digest: Digest | undefined): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** The first part is a domain only when it looks like one, or is `localhost`, or cannot be a path (upper case). */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  const domain = isDomain ? (first === 'index.docker.io' ? defaultDomain : first) : defaultDomain;
  const path = isDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain === defaultDomain && !path.includes('/') ? `${officialPrefix}${path}` : path };
}

function familiarName(domain: string, path: string): string {
  if (domain !== defaultDomain) return `${domain}/${path}`;
  const short = path.startsWith(officialPrefix) ? path.slice(officialPrefix.length) : path;
  return short.includes('/') ? path : short;
}

function invalid(reference: string, reason?: string): TscomposeError<'image/invalid-reference'> {
  return refused(reference, reason === undefined ? 'invalid reference format' : `invalid reference format: ${reason}`);
}

function refused(reference: string, message: string): TscomposeError<'image/invalid-reference'> {
  return new TscomposeError({ code: 'image/invalid-reference', message, facts: { reference } });
}
