import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryAuth } from '../api/image.js';
import { type Digest, digestOf, hexOf } from '../base/digest.js';
import { errnoOf, hasCode, TscomposeError } from '../base/errors.js';
import { parseObject } from './documents.js';
import { type Descriptor, parseManifest } from './manifest.js';
import { acceptedManifests, mediaTypes } from './media-types.js';
import type { Reference } from './reference.js';
import { Authorizer } from './auth.js';
import { isPassingStatus, PassingTrouble, reasonOf, refusal, type RefusedRequest, unreachable } from './failures.js';
import { type Answer, checkOnward, discard, type HttpClient, isNotThere, readBody } from './http.js';
import type { Endpoint, Registries } from './registries.js';

const maxManifestBytes = 4 << 20;
const maxTagPages = 1_000;
const maxErrorBytes = 64 << 10;
const maxAttempts = 6;
const maxUploads = 5;
const maxGreetings = 3;
const maxDelayMs = 15_000;
/** A line that breaks after less than this has not worked: a byte a connection would never come to an end. */
const goodRunBytes = 64 << 10;

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** What an upload needs to know of its bytes. */
export interface UploadedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

interface Ask {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH';
  /** Below the registry's `/v2/`, or a whole URL it gave us. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A function is asked for the bytes once: such a request is not repeated. */
  readonly body?: Uint8Array | (() => Promise<Readable>);
  /** In place of the session's own. */
  readonly authorizer?: Authorizer;
}

/** One repository of one registry, for one command. */
export class RegistrySession {
  readonly #http: HttpClient;
  readonly #firstDelayMs: number;
  readonly #endpoint: Endpoint;
  readonly #reference: Reference;
  readonly #authorizer: Authorizer;
  /** Those that may read another repository as well, by its path. */
  readonly #mounters = new Map<string, Authorizer>();
  readonly #authorizerFor: (more: readonly string[]) => Authorizer;
  readonly #signal: AbortSignal;
  #base: URL | undefined;

  constructor(options: {
    readonly registries: Registries;
    readonly endpoint: Endpoint;
    readonly reference: Reference;
    readonly auth: RegistryAuth | undefined;
    readonly access: 'pull' | 'pull,push';
    readonly signal: AbortSignal;
  }) {
    const { registries, endpoint, reference, auth = {}, access, signal } = options;
    this.#http = registries.http;
    this.#firstDelayMs = registries.firstRetryDelayMs;
    this.#endpoint = endpoint;
    this.#reference = reference;
    const scope = `repository:${reference.path}:${access}`;
    this.#authorizerFor = (more) => new Authorizer(registries.http, auth, [scope, ...more]);
    this.#authorizer = this.#authorizerFor([]);
    this.#signal = signal;
  }

  get registry(): string {
    return this.#endpoint.registry;
  }

  /** What the reference stands for, an image or an index: its digest counts before its tag. @throws `registry/…`, `content/…` */
  topManifest(): Promise<FetchedManifest> {
    const { digest, tag = 'latest' } = this.#reference;
    return this.manifest(digest ?? tag);
  }

  /** @param which - a tag or a digest; the answer is checked against the digest. @throws `registry/…`, `content/…` */
  async manifest(which: string, expected?: Descriptor): Promise<FetchedManifest> {
    const ask = { path: `${this.#reference.path}/manifests/${which}`, headers: { accept: acceptedManifests } };
    const { answer, bytes } = await this.#whole(ask, maxManifestBytes, 'manifest');
    const digest = digestOf(bytes);
    const promised = expected?.digest ?? (which.includes(':') ? which : answer.headers['docker-content-digest']);
    if (typeof promised === 'string' && promised.startsWith('sha256:') && promised !== digest) {
      throw wrongDigest(promised, digest);
    }
    return { bytes, digest, mediaType: (answer.headers['content-type'] ?? '').split(';', 1)[0] ?? '' };
  }

  /** Every tag of the repository. @throws `registry/…`, `image/bad-document` */
  async tags(): Promise<readonly string[]> {
    const found: string[] = [];
    let path: string | URL = `${this.#reference.path}/tags/list`;
    for (let page = 0; page < maxTagPages; page += 1) {
      const { answer, bytes } = await this.#whole({ path }, maxManifestBytes, 'manifest');
      const { tags } = parseObject('list of tags', bytes);
      if (Array.isArray(tags)) found.push(...tags.filter((tag) => typeof tag === 'string'));
      const next = /<([^>]*)>[^,]*rel="?next/.exec([answer.headers['link'] ?? ''].flat().join(','))?.[1];
      if (next === undefined || !URL.canParse(next, answer.url.href)) break;
      path = new URL(next, answer.url);
      checkOnward(answer.url, path);
    }
    return found;
  }

  /**
   * Manifests of one type that refer to `digest`: as the registry lists them, or as the index under the tag that stands
   * for the list where it cannot (distribution-spec 1.1, "Listing Referrers").
   * @throws `registry/…`, `content/…`, `image/bad-document`
   */
  async referrers(digest: Digest, artifactType: string): Promise<readonly Descriptor[]> {
    const query = new URLSearchParams({ artifactType }).toString();
    const path = `${this.#reference.path}/referrers/${digest}?${query}`;
    const answer = await this.#send({ path, headers: { accept: mediaTypes.ociIndex } });
    let bytes: Buffer;
    if (answer.status === 200) bytes = await readBody(answer, maxManifestBytes);
    else {
      discard(answer);
      try {
        ({ bytes } = await this.manifest(`sha256-${hexOf(digest)}`));
      } catch (error) {
        if (hasCode(error, 'registry/manifest-unknown')) return [];
        throw error;
      }
    }
    const list = parseManifest(bytes, mediaTypes.ociIndex);
    return list.kind === 'index' ? list.manifests.filter((one) => one.artifactType === artifactType) : [];
  }

  /** A small blob, verified. @throws `registry/…`, `content/…` */
  async document({ digest, size }: Descriptor): Promise<Buffer> {
    const ask = { path: `${this.#reference.path}/blobs/${digest}` };
    const { bytes } = await this.#whole(ask, Math.min(size, maxManifestBytes * 2), 'blob');
    const actual = digestOf(bytes);
    if (actual !== digest) throw wrongDigest(digest, actual);
    return bytes;
  }

  /**
   * A blob's bytes as they come. A connection that breaks is taken up again where it broke; more bytes than promised end
   * it. The digest is for the reader to check.
   * @throws `registry/…`, `content/size-mismatch`
   */
  async *blob({ digest, size }: Descriptor): AsyncGenerator<Buffer, void, undefined> {
    let received = 0;
    let failures = 0;
    while (received < size) {
      const before = received;
      const headers = received === 0 ? {} : { range: `bytes=${received}-` };
      const answer = await this.#send({ path: `${this.#reference.path}/blobs/${digest}`, headers });
      if (answer.status !== 200 && answer.status !== 206) throw await this.#refused(answer, 'blob');
      let skip = answer.status === 206 ? 0 : received; // a server without ranges begins anew
      try {
        for await (const chunk of answer.bytes()) {
          const fresh = chunk.subarray(Math.min(skip, chunk.length));
          skip -= chunk.length - fresh.length;
          if (fresh.length === 0) continue;
          received += fresh.length;
          if (received > size) throw tooLong(digest, size, received);
          yield fresh;
        }
        if (received < size) throw Object.assign(new Error('the connection ended early'), { code: 'ECONNRESET' });
      } catch (error) {
        this.#signal.throwIfAborted();
        failures = received - before >= goodRunBytes ? 1 : failures + 1;
        if (error instanceof TscomposeError) throw error;
        if (failures >= maxAttempts) throw this.#unreachable(answer.url, error);
        await this.#pause(failures, undefined);
      } finally {
        answer.body.destroy();
      }
    }
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    const answer = await this.#send({ method: 'HEAD', path: `${this.#reference.path}/blobs/${digest}` });
    discard(answer);
    if (answer.status === 200) return true;
    if (answer.status === 404) return false;
    throw await this.#refused(answer, 'upload');
  }

  /**
   * Takes a blob over from another repository of the registry, where that lets us; begins its upload otherwise.
   * @returns where to send the bytes; undefined when it was taken over
   */
  async mountBlob(digest: Digest, from: string): Promise<URL | undefined> {
    const authorizer = this.#mounters.get(from) ?? this.#authorizerFor([`repository:${from}:pull`]);
    this.#mounters.set(from, authorizer);
    const query = new URLSearchParams({ mount: digest, from }).toString();
    const answer = await this.#send({ ...this.#uploads(`?${query}`), authorizer });
    if (answer.status === 202) return this.#placeOf(answer);
    discard(answer);
    return answer.status === 201 ? undefined : await this.#beginUpload(); // whoever may not read there may write here
  }

  async #beginUpload(): Promise<URL> {
    return await this.#placeOf(await this.#send(this.#uploads('')));
  }

  #uploads(query: string): Ask {
    return {
      method: 'POST',
      path: `${this.#reference.path}/blobs/uploads/${query}`,
      headers: { 'content-length': '0' },
    };
  }

  async #placeOf(answer: Answer): Promise<URL> {
    const { location } = answer.headers;
    if (answer.status !== 202 || location === undefined) throw await this.#refused(answer, 'upload');
    discard(answer);
    try {
      const to = new URL(location, answer.url);
      checkOnward(answer.url, to);
      return to;
    } catch (error) {
      throw this.#unreachable(answer.url, error);
    }
  }

  /**
   * Sends a whole blob, from the beginning again when the line breaks.
   * @param begun - from `mountBlob`, when that was called already
   */
  async upload(
    begun: URL | undefined,
    { digest, sizeBytes }: UploadedBlob,
    body: () => Promise<Readable>,
  ): Promise<void> {
    let to = begun;
    for (let attempt = 1; ; attempt += 1) {
      to ??= await this.#beginUpload();
      const url = new URL(to);
      url.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(sizeBytes) };
      try {
        const answer = await this.#send({ method: 'PUT', path: url, headers, body });
        if (answer.status !== 201 && answer.status !== 204) throw await this.#refused(answer, 'upload');
        discard(answer);
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!hasCode(error, 'registry/unreachable') || attempt >= maxUploads) throw error;
        await this.#pause(attempt, undefined);
        to = undefined;
      }
    }
  }

  async putManifest(which: string, bytes: Buffer, mediaType: string): Promise<void> {
    const answer = await this.#send({
      method: 'PUT',
      path: `${this.#reference.path}/manifests/${which}`,
      headers: { 'content-type': mediaType, 'content-length': String(bytes.length) },
      body: bytes,
    });
    if (answer.status !== 201 && answer.status !== 200) throw await this.#refused(answer, 'upload');
    discard(answer);
  }

  /** A small answer to its end; asked for again when the line breaks in it. */
  async #whole(
    ask: Ask,
    maxBytes: number,
    asked: RefusedRequest['asked'],
  ): Promise<{ readonly answer: Answer; readonly bytes: Buffer }> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#send(ask);
      if (answer.status !== 200) throw await this.#refused(answer, asked);
      try {
        return { answer, bytes: await readBody(answer, maxBytes) };
      } catch (error) {
        this.#signal.throwIfAborted();
        if (error instanceof TscomposeError) throw error;
        if (attempt >= maxAttempts) throw this.#unreachable(answer.url, error);
        await this.#pause(attempt, undefined);
      }
    }
  }

  /** Authorizes, and repeats what failed for a reason that passes: too many requests, a server's trouble, a broken line. */
  async #send(ask: Ask): Promise<Answer> {
    const { authorizer = this.#authorizer } = ask;
    let challenged = false;
    const attempts = typeof ask.body === 'function' ? 1 : maxAttempts;
    for (let attempt = 1; ; attempt += 1) {
      const base = this.#base ?? (await this.#findBase());
      const url = ask.path instanceof URL ? ask.path : new URL(`v2/${ask.path}`, withSlash(base));
      const authorization = url.origin === base.origin ? authorizer.header() : undefined;
      const headers = { ...ask.headers, ...(authorization === undefined ? {} : { authorization }) };
      const body = typeof ask.body === 'function' ? await ask.body() : ask.body;
      let answer: Answer;
      try {
        answer = await this.#http.send({ method: ask.method ?? 'GET', url, headers, body, signal: this.#signal });
      } catch (error) {
        this.#signal.throwIfAborted();
        if (error instanceof TscomposeError) throw error;
        if (attempt >= attempts || !isPassing(error)) throw this.#unreachable(url, error);
        await this.#pause(attempt, undefined);
        continue;
      }
      const challenge = answer.headers['www-authenticate'];
      if (answer.status === 401 && challenge !== undefined && !challenged) {
        challenged = true;
        if (await this.#authorize(authorizer, challenge, base)) {
          discard(answer);
          continue;
        }
      }
      if (!isPassingStatus(answer.status) || attempt >= attempts) return answer;
      discard(answer);
      await this.#pause(attempt, answer.headers['retry-after']);
    }
  }

  /** @returns whether there is a new answer to the challenge */
  async #authorize(authorizer: Authorizer, challenge: string, base: URL): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await authorizer.answer(challenge, base, this.#signal);
      } catch (error) {
        this.#signal.throwIfAborted();
        if (error instanceof TscomposeError) throw error;
        const isTrouble = error instanceof PassingTrouble;
        if (attempt >= maxAttempts || !(isTrouble || isPassing(error))) throw this.#unreachable(base, error);
        await this.#pause(attempt, isTrouble ? error.retryAfter : undefined);
      }
    }
  }

  /** The first base URL that answers at all; a plain server behind a loopback address is found by its refusal of TLS. */
  async #findBase(): Promise<URL> {
    const { baseUrls } = this.#endpoint;
    const [first, ...others] = baseUrls;
    if (first === undefined) throw new Error('bug: an endpoint without URL');
    let failed: unknown;
    for (const base of others.length === 0 ? [] : baseUrls) {
      // A broken line does not speak against TLS: to go on in the clear at once would ask a TLS server in the wrong way.
      for (let attempt = 1; attempt <= maxGreetings; attempt += 1) {
        try {
          discard(await this.#http.send({ url: new URL('v2/', withSlash(base)), signal: this.#signal }));
          this.#base = base;
          return base;
        } catch (error) {
          this.#signal.throwIfAborted();
          failed = error;
          if (!isPassing(error)) break;
        }
        await this.#pause(attempt, undefined);
      }
    }
    if (others.length > 0) throw this.#unreachable(new URL('v2/', withSlash(baseUrls.at(-1) ?? first)), failed);
    this.#base = first;
    return first;
  }

  async #pause(attempt: number, retryAfter: string | undefined): Promise<void> {
    const asked = /^\d+$/.test(retryAfter ?? '')
      ? Number(retryAfter) * 1_000
      : Date.parse(retryAfter ?? '') - Date.now();
    const backOff = this.#firstDelayMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
    const delay = Number.isNaN(asked) ? backOff : Math.max(asked, 0);
    await sleep(Math.min(delay, maxDelayMs), undefined, { signal: this.#signal });
  }

  async #refused(answer: Answer, asked: RefusedRequest['asked']): Promise<TscomposeError> {
    const body = (await readBody(answer, maxErrorBytes).catch(() => Buffer.alloc(0))).toString(); // the status says enough
    return refusal({ registry: this.registry, reference: this.#reference, status: answer.status, body, asked });
  }

  #unreachable(url: URL, error: unknown): TscomposeError {
    const shown = `${url.origin}${url.pathname}`; // a query may hold a signature
    return unreachable(this.registry, shown, reasonOf(error), error);
  }
}

/** Broken lines pass; refused ones, unknown names and wrong certificates do not. */
function isPassing(error: unknown): boolean {
  return !isNotThere(error) && ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED'].includes(errnoOf(error) ?? '');
}

function withSlash(url: URL): URL {
  return url.pathname.endsWith('/') ? url : new URL(`${url.href}/`);
}

function wrongDigest(expected: string, actual: Digest): TscomposeError<'content/digest-mismatch'> {
  return new TscomposeError({
    code: 'content/digest-mismatch',
    message: `the registry sent bytes with the digest ${actual} for ${expected}`,
    facts: { expected, actual },
  });
}

function tooLong(digest: Digest, expectedBytes: number, actualBytes: number): TscomposeError<'content/size-mismatch'> {
  return new TscomposeError({
    code: 'content/size-mismatch',
    message: `the registry sent more than ${expectedBytes} bytes of ${digest}`,
    facts: { digest, expectedBytes, actualBytes },
  });
}
