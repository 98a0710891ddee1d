import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { BadPattern, globSource } from '../base/glob.js';
import { errnoOf, messageOf, TscomposeError } from '../base/errors.js';
import { parseReference } from '../registry/index.js';
import { fingerprint, readPublicKey, type TrustedKey } from './keys.js';
import './errors.js';

/** What is to become of images of a repository. */
export type Demand =
  | { readonly kind: 'allow' }
  | { readonly kind: 'refuse' }
  /** One of the keys is enough. */
  | { readonly kind: 'signed'; readonly keys: readonly TrustedKey[] };

export interface Rule {
  /** As written. */
  readonly patterns: readonly string[];
  readonly demand: Demand;
  /** `/etc/tscompose/trust.yaml:4` */
  readonly place: string;
}

/** One file. The first rule that fits a repository decides, in the order they are written. */
export interface Policy {
  readonly file: string;
  ruleFor(repository: string): Rule;
}

/** Everything there is to a policy is small. */
const maxPolicyBytes = 1 << 20;

/**
 * Reads a policy and the keys it names.
 * @returns undefined where there is no such file
 * @throws `trust/bad-policy`, `trust/bad-key`
 */
export async function readPolicy(file: string): Promise<Policy | undefined> {
  const text = await readOwn(file);
  if (text === undefined) return undefined;
  const { isMap, isSeq, LineCounter, parseDocument } = await import('yaml'); // JSON is a part of it
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [problem] = document.errors;
  if (problem !== undefined) throw bad(file, problem.message.split('\n')[0] ?? 'not YAML');
  const root: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isObject(root)) throw bad(file, 'it is not a mapping');
  onlyKeys(file, 'the policy', root, ['version', 'default', 'rules']);
  if (root['version'] !== 1) throw bad(file, '"version: 1" is missing');
  const fallback = root['default'] ?? 'allow';
  if (fallback !== 'allow' && fallback !== 'refuse') throw bad(file, '"default" is neither allow nor refuse');
  const written = root['rules'] ?? [];
  if (!Array.isArray(written)) throw bad(file, '"rules" is not a list');
  const nodes = isMap(document.contents) ? document.contents.get('rules') : undefined;
  const lineOf = (index: number): number => {
    const node: unknown = isSeq(nodes) ? nodes.items[index] : undefined;
    const range = isMap(node) ? node.range : undefined;
    return lines.linePos(range?.[0] ?? 0).line;
  };
  const rules: (Rule & { readonly test: RegExp })[] = [];
  for (const [index, rule] of written.entries()) rules.push(await readRule(file, `${file}:${lineOf(index)}`, rule));
  const last: Rule = { patterns: ['**'], demand: { kind: fallback }, place: `the default of ${file}` };
  return { file, ruleFor: (repository) => rules.find(({ test }) => test.test(repository)) ?? last };
}

async function readRule(file: string, place: string, rule: unknown): Promise<Rule & { readonly test: RegExp }> {
  if (!isObject(rule)) throw bad(place, 'a rule is not a mapping');
  onlyKeys(place, 'a rule', rule, ['images', 'signedBy', 'allow', 'refuse']);
  const patterns = typeof rule['images'] === 'string' ? [rule['images']] : rule['images'];
  if (!isTexts(patterns) || patterns.length === 0) throw bad(place, 'a rule without "images"');
  const demands: Demand[] = [];
  if (rule['allow'] === true) demands.push({ kind: 'allow' });
  if (rule['refuse'] === true) demands.push({ kind: 'refuse' });
  if (rule['signedBy'] !== undefined) {
    const entries = Array.isArray(rule['signedBy']) ? (rule['signedBy'] as unknown[]) : [rule['signedBy']];
    if (entries.length === 0) throw bad(place, '"signedBy" names no key');
    const keys = await Promise.all(entries.map((entry) => readKey(file, place, entry)));
    demands.push({ kind: 'signed', keys });
  }
  const [demand, ...more] = demands;
  if (demand === undefined || more.length > 0) {
    throw bad(place, 'a rule says one thing: "signedBy", "allow: true" or "refuse: true"');
  }
  return { patterns, demand, place, test: patternTest(place, patterns) };
}

/** A path from the policy's folder, a key itself, or either with the day it ends. */
async function readKey(file: string, place: string, entry: unknown): Promise<TrustedKey> {
  const given = isObject(entry) ? entry : { key: entry };
  onlyKeys(place, 'a key', given, ['key', 'until']);
  const { key: text, until } = given;
  if (typeof text !== 'string' || text === '') throw bad(place, 'a key is a path or a public key in PEM');
  const untilMs = until === undefined ? undefined : Date.parse(typeof until === 'string' ? until : 'none');
  if (Number.isNaN(untilMs)) throw bad(place, '"until" is no date such as 2027-01-31');
  const ending = untilMs === undefined ? {} : { untilMs };
  if (text.includes('-----BEGIN')) {
    const key = readPublicKey(`in ${place}`, text);
    return { name: `the key ${fingerprint(key)}`, key, ...ending };
  }
  const path = resolve(dirname(file), text);
  const pem = await readOwn(path);
  if (pem === undefined) throw bad(place, `the key ${path} is not there`);
  return { name: path, key: readPublicKey(path, pem), ...ending };
}

function patternTest(place: string, patterns: readonly string[]): RegExp {
  try {
    return new RegExp(`^(?:${patterns.map((one) => globSource(wholePattern(one), 'deep')).join('|')})$`, 'su');
  } catch (error) {
    if (error instanceof BadPattern) throw bad(place, `a pattern that is none: ${error.message}`);
    throw error instanceof TscomposeError ? bad(place, `images: ${error.message}`) : error;
  }
}

/**
 * With the domain, as repositories are compared: `nginx` is `docker.io/library/nginx`, `acme/*` is `docker.io/acme/*`.
 * @throws `image/invalid-reference` for a name with a tag, or that is none
 */
function wholePattern(pattern: string): string {
  if (!/[*?[\\]/.test(pattern)) {
    const { repository, tag, digest } = parseReference(pattern);
    if (tag === undefined && digest === undefined) return repository;
    throw new TscomposeError({
      code: 'image/invalid-reference',
      message: `"${pattern}" has a tag or digest, and rules are for whole repositories`,
      facts: { reference: pattern },
    });
  }
  const [first = '', ...rest] = pattern.split('/');
  const isDomain = /[.:]/.test(first) || ['localhost', '*', '**'].includes(first);
  if (isDomain && (rest.length > 0 || first === '**')) return pattern;
  return rest.length === 0 ? `docker.io/library/${pattern}` : `docker.io/${pattern}`;
}

/** A file that others may write decides nothing. */
async function readOwn(path: string): Promise<string | undefined> {
  try {
    const { uid, mode, size } = await stat(path);
    if (uid !== 0 && uid !== process.geteuid?.()) throw bad(path, `it belongs to the user with id ${uid}`);
    if ((mode & 0o022) !== 0) throw bad(path, 'others than its owner may write it');
    if (size > maxPolicyBytes) throw bad(path, `it has ${size} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error instanceof TscomposeError ? error : bad(path, messageOf(error));
  }
}

function onlyKeys(place: string, what: string, object: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown !== undefined) throw bad(place, `${what} has no "${unknown}"; there are ${known.join(', ')}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '');
}

function bad(file: string, reason: string): TscomposeError<'trust/bad-policy'> {
  return new TscomposeError({
    code: 'trust/bad-policy',
    message: `cannot use the trust policy ${file}: ${reason}`,
    facts: { file, reason },
    hint: 'until it is mended no image is pulled and none is run',
  });
}
