import { posix } from 'node:path';
import { TscomposeError } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/cannot-copy': { readonly source: string; readonly target: string };
  }
}

/** `SERVICE:PATH`, or a path here; `-` is a standard stream. */
export type CopyEnd =
  | { readonly kind: 'service'; readonly service: string; readonly path: string }
  | { readonly kind: 'here'; readonly path: string }
  | { readonly kind: 'stream' };

/** A colon divides unless what stands before it looks like a path. */
export function parseCopyEnd(text: string): CopyEnd {
  if (text === '-') return { kind: 'stream' };
  const [, service, path] = /^([^:/.][^:/]*):(.*)$/s.exec(text) ?? [];
  if (service === undefined || path === undefined) return { kind: 'here', path: text };
  return { kind: 'service', service, path };
}

/** What a copy of `source` to `target` puts where. */
export interface Placement {
  /** The folder that gets it; it is there already. */
  readonly folder: string;
  /** Its name in that folder; `.` spreads the content of a source folder. */
  readonly name: string;
}

export interface CopyTarget {
  readonly path: string;
  readonly found: 'folder' | 'file' | 'nothing';
}

export interface CopySource {
  /** As written: a last `/.` means what is in the folder. */
  readonly path: string;
  readonly folder: boolean;
}

/**
 * The rules of cp(1), as docker has them: into a folder that is there under the source's name, otherwise under the
 * target's own name; the content of `source/.`; never a folder over a file.
 * @throws `cli/cannot-copy`
 */
export function place(source: CopySource, target: CopyTarget): Placement {
  const content = source.folder && /(^|\/)\.$/.test(source.path);
  if (target.found === 'folder') {
    return { folder: target.path, name: content ? '.' : posix.basename(posix.resolve('/', source.path)) };
  }
  const folder = posix.dirname(target.path.replace(/\/+$/, ''));
  const name = posix.basename(target.path);
  if (target.found === 'file') {
    if (source.folder) throw cannot(source, target, 'cannot copy directory');
    return { folder, name };
  }
  if (!source.folder && target.path.endsWith('/')) throw cannot(source, target, 'no such directory');
  return { folder, name };
}

export function cannot({ path: source }: CopySource, { path: target }: CopyTarget, why: string): TscomposeError {
  return new TscomposeError({
    code: 'cli/cannot-copy',
    message: `${why}: ${source} to ${target}`,
    facts: { source, target },
  });
}
