import type { Project, ProjectModel, Service } from '../compose/index.js';
import {
  canonicalText,
  openRegistries,
  parseReference,
  type Registries,
  fromSources,
  withDefaultTag,
  withDigest,
} from '../registry/index.js';
import type { CliContext } from './context.js';
import { credentialsFor, registryOptions } from './remotes.js';

/**
 * The project with the images of services, hooks and image mounts pinned to what their registries have now.
 * @throws `image/invalid-reference`, `registry/…`
 */
export async function pinImages(project: Project, context: CliContext): Promise<Project> {
  const registries = openRegistries(registryOptions(context));
  const known = { ...project.model.services, ...project.disabledServices };
  const pins = new Map<string, Promise<string>>();
  const pin = async (image: string): Promise<string> => {
    const running = pins.get(image) ?? pinImage(image, registries, context);
    pins.set(image, running);
    return await running;
  };
  const pinService = async <Kind extends PinnedService>(service: Kind): Promise<Kind> => ({
    ...service,
    ...(typeof service.image === 'string' && service.image !== '' ? { image: await pin(service.image) } : {}),
    ...(Array.isArray(service.pre_start) ? { pre_start: await Promise.all(service.pre_start.map(pinHook)) } : {}),
    ...(Array.isArray(service.volumes) ? { volumes: await Promise.all(service.volumes.map(pinMount)) } : {}),
  });
  const pinHook = async <Hook extends { readonly image?: string | undefined }>(hook: Hook): Promise<Hook> =>
    typeof hook.image === 'string' ? { ...hook, image: await pin(hook.image) } : hook;
  const pinMount = async <Mount extends PinnedMount>(mount: Mount): Promise<Mount> =>
    mount.type === 'image' && typeof mount.source === 'string' && !(mount.source in known)
      ? { ...mount, source: await pin(mount.source) }
      : mount;
  try {
    const services = await mapValues(project.model.services, pinService);
    const { raw } = project;
    const rawServices = (raw as { readonly services?: Record<string, PinnedService> } | undefined)?.services;
    return {
      ...project,
      model: { ...project.model, services },
      ...(rawServices === undefined
        ? {}
        : { raw: { ...(raw as object), services: await mapValues(rawServices, pinService) } }),
    };
  } finally {
    registries.http.close();
  }
}

/** What a file over the others needs to say so that they use these images. */
export function onlyImages(project: Project, warn: (text: string) => void): Project {
  const keep = (service: PinnedService, name: string): PinnedService => {
    // Hooks of several files follow each other, so one here would run beside its own unpinned self.
    if (service.pre_start?.some(({ image }) => image !== undefined && image !== '') === true) {
      warn(`warning: service "${name}": images of pre_start hooks cannot be pinned by a file that lies over others`);
    }
    const volumes = service.volumes?.filter(({ type }) => type === 'image') ?? [];
    return {
      ...(service.image === undefined ? {} : { image: service.image }),
      ...(volumes.length === 0 ? {} : { volumes }),
    };
  };
  const picked = (services: Readonly<Record<string, PinnedService>>): Record<string, PinnedService> =>
    Object.fromEntries(Object.entries(services).map(([name, service]) => [name, keep(service, name)]));
  if (project.raw !== undefined) {
    return {
      ...project,
      raw: { services: picked((project.raw as { services?: Record<string, Service> }).services ?? {}) },
    };
  }
  const services = picked(project.model.services) as Record<string, Service>;
  return { ...project, model: { services } as ProjectModel }; // not a project by itself: it has no name
}

/** Of the typed model or of the tree as written, which has not been checked member by member. */
interface PinnedService {
  readonly image?: string | undefined;
  readonly pre_start?: readonly { readonly image?: string | undefined }[] | undefined;
  readonly volumes?: readonly PinnedMount[] | undefined;
}

interface PinnedMount {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
}

/** `docker.io/library/busybox:latest@sha256:…`; a reference with a digest keeps that and loses its tag. */
async function pinImage(image: string, registries: Registries, context: CliContext): Promise<string> {
  const reference = withDefaultTag(parseReference(image));
  if (reference.digest !== undefined) return canonicalText(withDigest(reference, reference.digest));
  const { signal } = context;
  const auth = await credentialsFor(context, reference.domain);
  const { digest } = await fromSources(registries, reference, { auth, signal }, (session) => session.topManifest());
  return `${canonicalText(reference)}@${digest}`;
}

async function mapValues<Value>(
  values: Readonly<Record<string, Value>>,
  change: (value: Value) => Promise<Value>,
): Promise<Record<string, Value>> {
  const entries = Object.entries(values).map(async ([name, value]) => [name, await change(value)] as const);
  return Object.fromEntries(await Promise.all(entries));
}
