import type { MountRequest } from '../../api/container.js';
import type { Mount, Project } from '../../compose/index.js';
import { idMapOf } from '../id-map.js';
import { integer } from '../units.js';
import type { RequestContext } from './context.js';
import { fileMounts } from './files.js';

export interface ContainerMounts {
  /** `source:target:options`: the engine makes a missing source. */
  readonly binds: string[];
  /** With a missing source refused, and with options that a bind text cannot say. */
  readonly mounts: MountRequest[];
}

/** Mounts in the order of their targets, so that the same service always asks for the same. */
export function mountsOf(context: RequestContext): ContainerMounts {
  const { project, definition, keptVolumes } = context;
  const binds: string[] = [];
  const mounts: MountRequest[] = [];
  const targets = new Set<string>();
  for (const mount of definition.volumes ?? []) {
    const { target } = mount;
    const kept = mount.source === undefined ? keptVolumes.find((volume) => volume.target === target) : undefined;
    targets.add(target);
    if (isBindText(mount)) binds.push(bindText(mount, target));
    else mounts.push(mountRequest(project, mount, target, kept?.name));
  }
  for (const { name, target } of keptVolumes) {
    if (!targets.has(target)) mounts.push({ Type: 'volume', Source: name, Target: target });
  }
  mounts.push(...fileMounts(context));
  mounts.sort((a, b) => (a.Target < b.Target ? -1 : 1));
  return { binds, mounts };
}

/** Engine's name of a volume that the project declares; other sources, such as paths, stay. */
function volumeSource(project: Project, mount: Mount): string | undefined {
  if (mount.type !== 'volume' || mount.source === undefined) return mount.source;
  return project.model.volumes?.[mount.source]?.name ?? mount.source;
}

function isBindText(mount: Mount): boolean {
  if (mount.type !== 'bind' || mount.consistency !== undefined || idMapOf(mount) !== undefined) return false;
  return mount.bind?.create_host_path === true && mount.bind.recursive === undefined;
}

function bindText({ source = '', read_only: readOnly, bind }: Mount, target: string): string {
  const options = [readOnly === true ? 'ro' : 'rw', bind?.selinux, bind?.propagation];
  return `${source}:${target}:${options.filter((option) => option !== undefined && option !== '').join(',')}`;
}

function mountRequest(project: Project, mount: Mount, target: string, kept: string | undefined): MountRequest {
  const source = kept ?? volumeSource(project, mount);
  return {
    Type: mount.type,
    ...(source === undefined ? {} : { Source: source }),
    Target: target,
    ...(mount.read_only === true ? { ReadOnly: true } : {}),
    ...(mount.consistency === undefined ? {} : { Consistency: mount.consistency }),
    ...optionsOf(project, mount),
  };
}

function optionsOf(project: Project, mount: Mount): Partial<MountRequest> {
  switch (mount.type) {
    case 'bind':
      return { BindOptions: bindOptions(mount) };
    case 'volume':
      return volumeOptions(project, mount);
    case 'tmpfs': {
      const size = integer(mount.tmpfs?.size);
      const mode = mount.tmpfs?.mode;
      if (size === undefined && mode === undefined) return {};
      return {
        TmpfsOptions: {
          ...(size === undefined ? {} : { SizeBytes: size }),
          ...(mode === undefined ? {} : { Mode: mode }),
        },
      };
    }
    case 'image':
      return mount.image?.subpath === undefined ? {} : { ImageOptions: { Subpath: mount.image.subpath } };
    case 'npipe':
    case 'cluster':
      return {};
  }
}

function bindOptions(mount: Mount): NonNullable<MountRequest['BindOptions']> {
  const { bind = {}, read_only: readOnly } = mount;
  const idMap = idMapOf(mount);
  return {
    ...(bind.propagation === undefined ? {} : { Propagation: bind.propagation }),
    ...(bind.create_host_path === true ? { CreateMountpoint: true } : {}),
    ...(bind.recursive === 'disabled' ? { NonRecursive: true } : {}),
    ...(bind.recursive === 'writable' ? { ReadOnlyNonRecursive: true } : {}),
    ...(bind.recursive === 'readonly' && readOnly === true ? { ReadOnlyForceRecursive: true } : {}),
    ...(idMap === undefined ? {} : { IdMap: idMap }),
  };
}

function volumeOptions(project: Project, { volume = {}, source }: Mount): Partial<MountRequest> {
  const options = {
    ...(volume.nocopy === true ? { NoCopy: true } : {}),
    ...(volume.subpath === undefined ? {} : { Subpath: volume.subpath }),
    ...(volume.labels === undefined ? {} : { Labels: { ...volume.labels } }),
  };
  const driver = source === undefined ? undefined : project.model.volumes?.[source]?.driver;
  const named = driver === undefined || driver === 'local' ? {} : { DriverConfig: { Name: driver } };
  if (Object.keys(options).length === 0 && driver === undefined) return {};
  return Object.keys({ ...options, ...named }).length === 0 ? {} : { VolumeOptions: { ...options, ...named } };
}
