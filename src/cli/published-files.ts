import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { TscomposeError } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import type { NodePath, Project, Service } from '../compose/index.js';
import type { PublishedFile } from '../remote/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/not-publishable': { readonly subject: string };
  }
}

/**
 * The files a published project consists of. They come to lie side by side in one folder, so nothing may refer to a
 * file elsewhere.
 * @param project - with the `env_file` of its services left as it is
 * @throws `cli/not-publishable`
 */
export function publishedFiles(project: Project, withEnv: boolean): readonly PublishedFile[] {
  refuseOtherFiles(project);
  const envFiles = new Set<string>();
  for (const [name, service] of allServices(project)) {
    refuseUnpublishedImage(project, name, service);
    if (!withEnv) refuseEnvironment(project, name, service);
    for (const [position, { path }] of (service.env_file ?? []).entries()) {
      const at = project.locate(['services', name, 'env_file', position]);
      const inFolder = project.composeFiles.some((file) => dirname(file) === dirname(path));
      if (!inFolder) throw notPublishable(path, `"${path}" is not beside the compose file`, at);
      envFiles.add(path);
    }
  }
  const files = [
    ...project.composeFiles.map((path) => ({ path, kind: 'compose' as const })),
    ...[...envFiles].map((path) => ({ path, kind: 'env' as const })),
  ];
  const paths = new Map<string, string>();
  for (const { path } of files) {
    const other = paths.get(basename(path));
    if (other !== undefined) throw notPublishable(path, `"${other}" and "${path}" would be one file`, undefined);
    paths.set(basename(path), path);
  }
  return files.map(({ path, kind }) => ({ name: basename(path), kind, bytes: readFileSync(path) }));
}

/** Mounts of folders of this machine, which will mean other folders elsewhere: `web: /srv/data`. */
export function bindMounts(project: Project): readonly string[] {
  return allServices(project).flatMap(([name, { volumes = [] }]) =>
    volumes.filter(({ type }) => type === 'bind').map(({ source = '' }) => `${name}: ${source}`),
  );
}

function allServices(project: Project): readonly (readonly [string, Service])[] {
  return Object.entries({ ...project.model.services, ...project.disabledServices });
}

function refuseOtherFiles(project: Project): void {
  const known = new Set(project.composeFiles.map((file) => resolve(file)));
  const visit = (path: NodePath, value: unknown): void => {
    const at = project.locate(path);
    if (at !== undefined && !known.has(resolve(project.workingDir, at.file))) {
      throw notPublishable(at.file, `it takes "${path.join('.')}" from ${at.file}`, at);
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) visit([...path, Array.isArray(value) ? Number(key) : key], inner);
  };
  for (const [name, service] of allServices(project)) visit(['services', name], service);
}

function refuseUnpublishedImage(project: Project, name: string, { image, build }: Service): void {
  if (build === undefined || image !== undefined) return;
  const at = project.locate(['services', name, 'build']);
  throw notPublishable(name, `service "${name}" is built and names no image to push`, at);
}

function refuseEnvironment(project: Project, name: string, { environment = {}, env_file: files = [] }: Service): void {
  const [variable] = Object.entries(environment).filter(([, value]) => value !== null);
  const path = variable === undefined ? ['env_file'] : ['environment', variable[0]];
  if (variable === undefined && files.length === 0) return;
  const at = project.locate(['services', name, ...path]);
  const what = variable === undefined ? 'has an env file' : `sets the variable "${variable[0]}"`;
  throw notPublishable(
    name,
    `service "${name}" ${what}, which may be secret`,
    at,
    '--with-env publishes it all the same',
  );
}

function notPublishable(
  subject: string,
  reason: string,
  at: SourceLocation | undefined,
  hint = 'write the whole project to one file with config --no-interpolate -o, and publish that',
): TscomposeError<'cli/not-publishable'> {
  const message = `cannot publish the project: ${reason}`;
  return new TscomposeError({ code: 'cli/not-publishable', message, facts: { subject }, hint, at });
}
