import { TscomposeError } from '../../base/errors.js';
import type { NodePath } from '../model.js';
import { list, map, scalar, type Node } from '../node.js';
import { pathText } from '../problems.js';
import { didYouMean } from '../suggest.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'compose/no-such-path': { readonly path: string };
  }
}

/** The way a text such as `services.web.ports[0]` goes through plain data, and how far it goes. */
export interface ResolvedPath {
  readonly path: NodePath;
  readonly value: unknown;
  /** What is left of the text where the data has nothing; empty when all of it led somewhere. */
  readonly left: string;
}

/** Keys may hold dots (`labels.traefik.enable`): the longest key that fits is taken. */
export function resolvePath(root: unknown, text: string): ResolvedPath {
  return follow(root, text.trim().replace(/^\./, ''), []);
}

function follow(value: unknown, left: string, path: NodePath): ResolvedPath {
  const here: ResolvedPath = { path, value, left };
  if (left === '') return here;
  let best = here;
  for (const { key, rest } of stepsFrom(value, left)) {
    const next = follow(memberOf(value, key), rest, [...path, key]);
    if (next.left === '') return next;
    if (next.path.length > best.path.length) best = next;
  }
  return best;
}

function stepsFrom(value: unknown, left: string): readonly { key: string | number; rest: string }[] {
  if (Array.isArray(value)) {
    const [whole, bracketed, bare] = /^(?:\[(\d+)\]|(\d+)(?=$|[.[]))/.exec(left) ?? [];
    const index = Number(bracketed ?? bare);
    return whole === undefined || index >= value.length
      ? []
      : [{ key: index, rest: afterKey(left.slice(whole.length)) }];
  }
  if (!isMapping(value)) return [];
  const keys = Object.keys(value).sort((one, other) => other.length - one.length);
  return keys.flatMap((key) =>
    [key, JSON.stringify(key), `[${JSON.stringify(key)}]`, `['${key}']`]
      .filter((form) => left === form || (/^[.[]/.test(left.slice(form.length)) && left.startsWith(form)))
      .map((form) => ({ key, rest: afterKey(left.slice(form.length)) })),
  );
}

function afterKey(rest: string): string {
  return rest.startsWith('.') ? rest.slice(1) : rest;
}

export function memberOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)];
  return isMapping(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined;
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof String) &&
    !(value instanceof Number)
  );
}

export function noSuchPath(text: string, { path, value, left }: ResolvedPath, hint?: string): TscomposeError {
  const wanted = /^[^.[]*/.exec(left)?.[0] ?? left;
  const known = Array.isArray(value) ? `it has ${value.length} items` : undefined;
  const near = isMapping(value) ? didYouMean(wanted, Object.keys(value)) : known;
  const full =
    near?.startsWith('did you mean') === true && path.length > 0 ? `${near.slice(0, -1)} in ${pathText(path)}?` : near;
  return new TscomposeError({
    code: 'compose/no-such-path',
    message: `the project has no ${text}`,
    facts: { path: text },
    hint: hint ?? full ?? (path.length > 0 ? `${pathText(path)} is the last part that exists` : undefined),
  });
}

/** Every value that holds no others, empty lists and mappings among them. */
export function leavesOf(value: unknown, path: NodePath): readonly { path: NodePath; value: unknown }[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item: unknown, index) => leavesOf(item, [...path, index]));
  }
  if (isMapping(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, member]) => leavesOf(member, [...path, key]));
  }
  return [{ path, value }];
}

/** Plain data as a tree without places. */
export function nodeOf(value: unknown): Node {
  if (Array.isArray(value)) return list(value.map(nodeOf));
  if (isMapping(value)) return map(new Map(Object.entries(value).map(([key, member]) => [key, nodeOf(member)])));
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return scalar(value);
  return scalar(value === null || value === undefined ? null : plainText(value));
}

function plainText(value: unknown): string {
  return typeof value === 'string' || value instanceof String || value instanceof Number ? String(value) : '';
}
