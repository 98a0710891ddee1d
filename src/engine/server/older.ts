import type { ContainerInspect } from '../../api/container.js';
import type { ImageInspect, ImageSummary } from '../../api/image.js';
import type { ApiMinor } from './version.js';

/**
 * Members that were taken out of the API, for clients that still ask in a version which has them ("Version history").
 */
export function olderImage(image: ImageInspect, minor: ApiMinor): ImageInspect & Record<string, unknown> {
  return {
    ...image,
    ...(minor < 44 ? { VirtualSize: image.Size } : {}),
    ...(minor < 45 ? { ContainerConfig: noConfig } : {}),
  };
}

export function olderImageSummary(image: ImageSummary, minor: ApiMinor): ImageSummary {
  return minor < 44 ? { ...image, VirtualSize: image.Size } : image;
}

/** Names that the engine gives by itself were once among the aliases. */
export function olderContainer(container: ContainerInspect, minor: ApiMinor): ContainerInspect {
  if (minor >= 45) return container;
  const given = [container.Id.slice(0, 12), container.Config.Hostname ?? ''].filter((name) => name !== '');
  const Networks = { ...container.NetworkSettings.Networks };
  for (const [name, endpoint] of Object.entries(Networks)) {
    if (endpoint.DNSNames == null) continue; // it does not run, or nobody asks for names there
    Networks[name] = { ...endpoint, Aliases: [...new Set([...(endpoint.Aliases ?? []), ...given])] };
  }
  return { ...container, NetworkSettings: { ...container.NetworkSettings, Networks } };
}

export function olderInfo(info: object, minor: ApiMinor): object {
  return {
    ...info,
    ...(minor < 42 ? { KernelMemory: true } : {}),
    ...(minor < 25 ? { ExecutionDriver: '<not supported>' } : {}),
  };
}

/** What the builder's container had; nobody keeps it any more. */
const noConfig = {
  ...{ Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: false, AttachStderr: false },
  ...{ Tty: false, OpenStdin: false, StdinOnce: false, Env: null, Cmd: null, Image: '', Volumes: null },
  ...{ WorkingDir: '', Entrypoint: null, OnBuild: null, Labels: null },
};
