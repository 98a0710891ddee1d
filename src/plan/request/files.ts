import { posix } from 'node:path';
import type { MountRequest } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import type { FileObject, FileReference, Project, Service } from '../../compose/index.js';
import type { InjectedFile } from '../operation.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** A config or secret that only a cluster's engine could supply. */
    'plan/unsupported-file': { readonly kind: FileKind; readonly name: string; readonly service: string };
    /** Its value would be written into a root file system that is read-only. */
    'plan/read-only-file': { readonly kind: FileKind; readonly name: string; readonly service: string };
  }
}

type FileKind = 'config' | 'secret';

interface FileUse {
  readonly kind: FileKind;
  readonly name: string;
  readonly index: number;
  readonly reference: FileReference;
  readonly object: FileObject;
  readonly target: string;
}

interface Owner {
  readonly project: Project;
  readonly service: string;
  readonly definition: Service;
}

/** Configs and secrets that are files of the host: read-only bind mounts. */
export function fileMounts(owner: Owner): MountRequest[] {
  return usesOf(owner).flatMap(({ object, target }) =>
    object.file === undefined
      ? []
      : [{ Type: 'bind', Source: object.file, Target: target, ReadOnly: true, BindOptions: {} }],
  );
}

/**
 * Configs and secrets given as text: written into the container before it starts.
 * @throws `plan/read-only-file`
 */
export function injectedFiles(owner: Owner): InjectedFile[] {
  const { project, service, definition } = owner;
  return usesOf(owner).flatMap((use) => {
    const { object, reference, target, kind, name } = use;
    if (object.file !== undefined) return [];
    const content = object.content ?? project.environment[object.environment ?? ''] ?? '';
    if (definition.read_only === true) {
      throw new TscomposeError({
        code: 'plan/read-only-file',
        message: `service "${service}" cannot be given ${kind} "${name}": its value would be written into a read-only root file system`,
        facts: { kind, name, service },
        hint: `keep the ${kind} in a file`,
        at: project.locate(['services', service, `${kind}s`, use.index]),
      });
    }
    const { mode = 0o444, uid = '0', gid = '0' } = reference;
    return [{ path: target, content, mode, uid: Number(uid), gid: Number(gid) }];
  });
}

/** What the engine cannot honour for a bind mount: one text for each file. */
export function ignoredFileOptions(owner: Owner): { message: string; index: number; kind: FileKind }[] {
  return usesOf(owner)
    .filter(
      ({ object, reference: { uid, gid, mode } }) => object.file !== undefined && (uid ?? gid ?? mode) !== undefined,
    )
    .map(({ kind, name, index }) => ({
      message: `uid, gid and mode of ${kind} "${name}" are ignored: it is a file of the host`,
      index,
      kind,
    }));
}

function usesOf({ project, service, definition }: Owner): FileUse[] {
  const all = [
    { kind: 'config', references: definition.configs ?? [], objects: project.model.configs ?? {}, folder: '/' },
    {
      kind: 'secret',
      references: definition.secrets ?? [],
      objects: project.model.secrets ?? {},
      folder: '/run/secrets',
    },
  ] as const;
  return all.flatMap(({ kind, references, objects, folder }) =>
    references.map((reference, index): FileUse => {
      const name = reference.source;
      const object = objects[name];
      if (object === undefined) throw new Error(`bug: the project has no ${kind} ${name}`);
      if (object.external === true || object.driver !== undefined || object.template_driver !== undefined) {
        throw new TscomposeError({
          code: 'plan/unsupported-file',
          message: `service "${service}" uses ${kind} "${name}", which ${object.external === true ? 'is external' : 'needs a driver'}: only a swarm has such`,
          facts: { kind, name, service },
          hint: `give the ${kind} a file, an environment variable${kind === 'config' ? ' or its content' : ''}`,
          at: project.locate(['services', service, `${kind}s`, index]),
        });
      }
      return { kind, name, index, reference, object, target: posix.resolve(folder, reference.target ?? name) };
    }),
  );
}
