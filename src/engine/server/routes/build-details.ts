import { isAbsolute } from 'node:path';
import type { Readable } from 'node:stream';
import type { BuildDetails, PinnedBases } from '../../../api/tscompose.js';
import { parseGitReference } from '../../../base/git/reference.js';
import { type AdditionalContext, type BuildRequest, provenanceMode } from '../../builder/index.js';
import { readJson } from '../body.js';
import { badBody } from '../errors.js';

/** A `BuildDetails` in the words of the builder. */
export interface GivenDetails {
  readonly dockerfile: string | undefined;
  readonly request: Pick<
    BuildRequest,
    'secrets' | 'ssh' | 'additionalContexts' | 'entitlements' | 'bases' | 'cacheFrom' | 'cacheTo' | 'provenance'
  >;
}

export const noDetails: GivenDetails = { dockerfile: undefined, request: {} };

/** @throws `request/bad-body`, `request/too-large` */
export async function readDetails(body: Readable): Promise<GivenDetails> {
  const {
    dockerfile,
    secrets,
    ssh,
    contexts,
    entitlements,
    bases,
    cacheFrom,
    cacheTo,
    provenance,
  }: Partial<Record<keyof BuildDetails, unknown>> = await readJson(body, { 'content-type': 'application/json' });
  if (dockerfile !== undefined && typeof dockerfile !== 'string') throw badBody('dockerfile is not a text');
  if (entitlements !== undefined && !isTexts(entitlements)) throw badBody('entitlements is not a list of texts');
  if (cacheFrom !== undefined && !isTexts(cacheFrom)) throw badBody('cacheFrom is not a list of texts');
  if (cacheTo !== undefined && !isTexts(cacheTo)) throw badBody('cacheTo is not a list of texts');
  if (provenance !== undefined && typeof provenance !== 'string') throw badBody('provenance is not a text');
  return {
    dockerfile,
    request: {
      secrets: mapped('secrets', secrets, (text) => Buffer.from(text, 'base64')),
      ssh: mapped('ssh', ssh, (text) => text),
      additionalContexts: mapped('contexts', contexts, contextOf),
      entitlements: entitlements ?? [],
      provenance: provenanceMode(provenance),
      ...(cacheFrom === undefined ? {} : { cacheFrom }),
      ...(cacheTo === undefined ? {} : { cacheTo }),
      ...(bases === undefined ? {} : { bases: basesOf(bases) }),
    },
  };
}

function contextOf(text: string): AdditionalContext {
  const image = /^(?:docker-image|image):\/\/(.+)$/.exec(text)?.[1];
  if (image !== undefined) return { kind: 'image', reference: image };
  if (parseGitReference(text) !== undefined) return { kind: 'git', url: text };
  if (/^https?:\/\//.test(text)) return { kind: 'url', url: text };
  if (isAbsolute(text)) return { kind: 'directory', path: text };
  throw badBody(
    `the context ${JSON.stringify(text)} is no absolute path, docker-image://, git repository or URL of an archive`,
  );
}

function basesOf(value: unknown): PinnedBases {
  const { pins, commits, only, triggers }: Partial<Record<keyof PinnedBases, unknown>> =
    typeof value === 'object' && value !== null ? value : {};
  if (typeof only !== 'boolean') throw badBody('bases does not say whether there are only those');
  return {
    pins: mapped('bases', pins, (text) => text),
    ...(commits === undefined ? {} : { commits: mapped('commits', commits, (text) => text) }),
    only,
    ...(triggers === undefined ? {} : { triggers: triggersOf(triggers) }),
  };
}

function triggersOf(value: unknown): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([reference, all]: [string, unknown]) => {
      if (!isTexts(all)) throw badBody('triggers is not a map of lists of texts');
      return [reference, all];
    }),
  );
}

function mapped<T>(name: string, value: unknown = {}, change: (text: string) => T): Record<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badBody(`${name} is not a map`);
  return Object.fromEntries(
    Object.entries(value).map(([key, text]: [string, unknown]) => {
      if (typeof text !== 'string') throw badBody(`${name} is not a map of texts`);
      return [key, change(text)];
    }),
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
