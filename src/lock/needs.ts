import { gitEntry, parseGitReference } from '../base/git/reference.js';
import type { Build, NodePath, Project, Service } from '../compose/index.js';
import { imageOf } from '../plan/index.js';
import { parseReference, withDefaultTag } from '../registry/index.js';

/** Something that moves, as a service names it. */
export interface Need {
  /** The key of its entry. */
  readonly entry: string;
  /** As written. */
  readonly text: string;
  readonly path: NodePath;
}

export interface ServiceNeeds {
  readonly service: string;
  readonly definition: Service;
  readonly images: readonly Need[];
  /** Git contexts. */
  readonly commits: readonly Need[];
  /** Its bases are for its Dockerfile to say. */
  readonly build: Build | undefined;
}

/** What could be locked of each service, those of profiles that are not active included where asked for. */
export function needsOf(project: Project, which: 'enabled' | 'all'): readonly ServiceNeeds[] {
  const all = { ...(which === 'all' ? project.disabledServices : {}), ...project.model.services };
  const every = { ...project.disabledServices, ...project.model.services };
  const built = new Set(
    Object.entries(every).flatMap(([name, service]) =>
      service.build === undefined ? [] : [imageOf(project, name, service)],
    ),
  );
  return Object.keys(all)
    .sort()
    .flatMap((service): ServiceNeeds[] => {
      const definition = all[service];
      if (definition === undefined) return [];
      const images = imagesOf(service, definition, every).filter(({ image }) => !built.has(image));
      return [
        {
          service,
          definition,
          images: images.flatMap(({ image, path }) => entryOf(image).map((entry) => ({ entry, text: image, path }))),
          commits: commitsOf(service, definition.build),
          build: definition.build,
        },
      ];
    });
}

interface NamedImage {
  readonly image: string;
  readonly path: NodePath;
}

function imagesOf(
  service: string,
  { image, build, provider, pre_start: hooks = [], volumes = [] }: Service,
  known: Readonly<Record<string, Service>>,
): NamedImage[] {
  const own = image === undefined || build !== undefined || provider !== undefined ? [] : [{ image, path: ['image'] }];
  const ofHooks = hooks.flatMap(({ image: used }, index) =>
    used === undefined ? [] : [{ image: used, path: ['pre_start', index, 'image'] }],
  );
  const mounted = volumes.flatMap(({ type, source }, index) =>
    type !== 'image' || source === undefined || source in known
      ? []
      : [{ image: source, path: ['volumes', index, 'source'] }],
  );
  return [...own, ...ofHooks, ...mounted].map((one) => ({ ...one, path: ['services', service, ...one.path] }));
}

/** The key of an image: with its tag. None for what has a digest already, or is no reference, which the engine says. */
export function entryOf(image: string): [string] | [] {
  if (image === '' || image.startsWith('sha256:')) return [];
  try {
    const reference = withDefaultTag(parseReference(image));
    return reference.digest === undefined ? [reference.familiar] : [];
  } catch {
    return [];
  }
}

function commitsOf(service: string, build: Build | undefined): Need[] {
  const named: (readonly [string | undefined, NodePath])[] = [
    [build?.context, ['build', 'context']],
    ...Object.entries(build?.additional_contexts ?? {}).map(([name, text]): readonly [string, NodePath] => [
      text,
      ['build', 'additional_contexts', name],
    ]),
  ];
  return named.flatMap(([text, path]) => {
    const reference = text === undefined ? undefined : parseGitReference(text);
    if (text === undefined || reference === undefined || reference.commit !== undefined) return [];
    return [{ entry: gitEntry(text), text, path: ['services', service, ...path] }];
  });
}

/** The key of a compose file that is elsewhere; none for one that is pinned to a commit or digest. */
export function remoteEntry(text: string): [string] | [] {
  const reference = parseGitReference(text);
  if (reference !== undefined) return reference.commit === undefined ? [gitEntry(text)] : [];
  return text.includes('@sha256:') ? [] : [text];
}

/** The reference pinned to what a lock has for it; as it is where that has nothing. */
export function pinnedRemote(text: string, remotes: Readonly<Record<string, string>>): string {
  const [entry] = remoteEntry(text);
  const pin = entry === undefined ? undefined : remotes[entry];
  if (pin === undefined) return text;
  return parseGitReference(text) === undefined
    ? `${text.replace(/(?<=\/[^/]*):[^:/]*$/, '')}@${pin}`
    : atCommit(text, pin);
}

/** The same reference at a commit. */
export function atCommit(text: string, commit: string): string {
  const hash = text.indexOf('#');
  const [repository, fragment] = hash < 0 ? [text, ''] : [text.slice(0, hash), text.slice(hash + 1)];
  const colon = fragment.indexOf(':');
  return `${repository}#${commit}${colon < 0 ? '' : fragment.slice(colon)}`;
}
