import type { RegistryAuth } from '../api/image.js';
import { parseObject } from './documents.js';
import { isPassingStatus, PassingTrouble } from './failures.js';
import { discard, type HttpClient, readBody } from './http.js';
import { isLoopback } from './loopback.js';

const maxTokenBytes = 1 << 20;
const defaultLifeMs = 60_000;

export interface Challenge {
  readonly scheme: 'bearer' | 'basic';
  readonly parameters: Readonly<Record<string, string>>;
}

/** The challenges of a `WWW-Authenticate` header, RFC 9110 section 11.6.1. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const token = /\s*,?\s*([\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/gy;
  for (let match = token.exec(header); match !== null; match = token.exec(header)) {
    const [, name = '', quoted, plain] = match;
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else if (challenges.length > 0) Object.assign(challenges.at(-1)?.parameters ?? {}, { [name.toLowerCase()]: value });
  }
  return challenges.filter((challenge): challenge is Challenge => ['bearer', 'basic'].includes(challenge.scheme));
}

/**
 * Answers a registry's challenges with what the user gave: nothing, a password, an identity token or a registry token
 * (distribution, "Token Authentication Specification").
 */
export class Authorizer {
  readonly #http: HttpClient;
  readonly #credentials: { username: string; password: string } | undefined;
  readonly #auth: RegistryAuth;
  readonly #scopes: readonly string[];
  #header: string | undefined;
  #expiresAtMs = Infinity;

  /** @param scopes - `repository:library/busybox:pull`; none only to prove who one is */
  constructor(http: HttpClient, auth: RegistryAuth, scopes: readonly string[]) {
    this.#http = http;
    this.#auth = auth;
    this.#scopes = scopes;
    this.#credentials = credentialsOf(auth);
    if (auth.registrytoken !== undefined && auth.registrytoken !== '') this.#header = `Bearer ${auth.registrytoken}`;
  }

  /** For the `Authorization` header; undefined before the first challenge and when a token is about to expire. */
  header(): string | undefined {
    return Date.now() < this.#expiresAtMs ? this.#header : undefined;
  }

  /** @returns whether trying again makes sense. @throws PassingTrouble, Node's errors of the token server */
  async answer(wwwAuthenticate: string, from: URL, signal: AbortSignal): Promise<boolean> {
    const before = this.#header;
    for (const { scheme, parameters } of parseChallenges(wwwAuthenticate)) {
      if (scheme === 'basic' && this.#credentials !== undefined) {
        const { username, password } = this.#credentials;
        this.#header = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
        this.#expiresAtMs = Infinity;
        return this.#header !== before;
      }
      const { realm, service } = parameters;
      if (scheme !== 'bearer' || realm === undefined || !URL.canParse(realm)) continue;
      const token = await this.#fetchToken(new URL(realm), service, from, signal);
      if (token === undefined) continue;
      this.#header = `Bearer ${token.token}`;
      this.#expiresAtMs = Date.now() + token.lifeMs * 0.9;
      return true;
    }
    return false;
  }

  async #fetchToken(
    realm: URL,
    service: string | undefined,
    from: URL,
    signal: AbortSignal,
  ): Promise<{ token: string; lifeMs: number } | undefined> {
    // A password must not leave by a plainer way than the registry itself is spoken to.
    const isPlain = realm.protocol === 'http:';
    if (!['http:', 'https:'].includes(realm.protocol)) return undefined;
    if (isPlain && from.protocol === 'https:' && !isLoopback(realm.host)) return undefined;
    const identity = this.#auth.identitytoken;
    const answer =
      identity === undefined || identity === ''
        ? await this.#http.send(this.#tokenGet(realm, service, signal))
        : await this.#http.send(tokenPost(realm, service, this.#scopes, identity, signal));
    if (isPassingStatus(answer.status)) {
      discard(answer);
      throw new PassingTrouble(
        `the token server ${realm.host} answered ${answer.status}`,
        answer.headers['retry-after'],
      );
    }
    const body = await readBody(answer, maxTokenBytes);
    if (answer.status !== 200) return undefined;
    const document = parseObject('token', body);
    const token = document['token'] ?? document['access_token'];
    const seconds = document['expires_in'];
    if (typeof token !== 'string') return undefined;
    return { token, lifeMs: typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : defaultLifeMs };
  }

  #tokenGet(realm: URL, service: string | undefined, signal: AbortSignal): Parameters<HttpClient['send']>[0] {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    for (const scope of this.#scopes) url.searchParams.append('scope', scope);
    if (this.#credentials === undefined) return { url, signal };
    const { username, password } = this.#credentials;
    url.searchParams.set('account', username);
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    return { url, headers: { authorization }, signal };
  }
}

function tokenPost(
  url: URL,
  service: string | undefined,
  scopes: readonly string[],
  identity: string,
  signal: AbortSignal,
): Parameters<HttpClient['send']>[0] {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: identity,
    client_id: 'tscompose',
  });
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  if (service !== undefined) form.set('service', service);
  const body = Buffer.from(form.toString());
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) };
  return { method: 'POST', url, headers, body, signal };
}

function credentialsOf({ username, password, auth }: RegistryAuth): { username: string; password: string } | undefined {
  if (username !== undefined && username !== '') return { username, password: password ?? '' };
  const decoded = Buffer.from(auth ?? '', 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon <= 0 ? undefined : { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
