import { existsSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import type { ContainerConfig, HostConfig, MountRequest } from '../../api/container.js';
import { hasCode, TscomposeError } from '../../base/errors.js';
import type { VolumeStore } from '../volumes/index.js';
import { invalidConfig } from './errors.js';
import { parseIdMap } from './id-map.js';
import type { ContainerMount } from './record.js';

export interface MountSources {
  readonly containerId: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Mounts of a container that `VolumesFrom` names. @throws `container/not-found` */
  readonly mountsOf: (reference: string) => readonly ContainerMount[];
  readonly volumes: VolumeStore;
}

const plain = {
  readOnly: false,
  mode: '',
  propagation: '',
  createSource: false,
  nonRecursive: false,
  noCopy: false,
  options: [],
} as const;

/**
 * Everything mounted into a container, in Docker's order of weight: `VolumesFrom`, then `Binds` and `Mounts`, which may
 * not name one place twice, then anonymous volumes for what is left of the image's `VOLUME`s. Volumes are made here,
 * and reserved until {@link VolumeStore.endReservations}.
 * @throws `container/invalid-config`, `container/mount-missing`, `volume/…`
 */
export async function planMounts(sources: MountSources): Promise<ContainerMount[]> {
  const { config, hostConfig } = sources;
  const byPlace = new Map<string, ContainerMount>();
  for (const mount of inherited(sources)) {
    if (mount.name !== undefined) await sources.volumes.reserve(mount.name, sources.containerId);
    byPlace.set(mount.destination, mount);
  }
  const own = new Set<string>();
  const asked = [
    ...(hostConfig.Binds ?? []).map((text) => parseBind(text)),
    ...(hostConfig.Mounts ?? []).map((request) => parseMount(request)),
    ...Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => parseTmpfs(path, options)),
  ];
  for (const { mount, volume } of asked) {
    if (own.has(mount.destination)) {
      throw invalidConfig('Mounts', `Duplicate mount point: ${mount.destination}`);
    }
    own.add(mount.destination);
    checkSource(mount);
    byPlace.set(mount.destination, await withVolume(mount, volume, sources));
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = cleanDestination(path);
    if (byPlace.has(destination)) continue;
    byPlace.set(destination, await withVolume({ ...plain, type: 'volume', source: '', destination }, {}, sources));
  }
  return [...byPlace.values()];
}

interface AskedVolume {
  readonly driver?: string;
  readonly options?: Record<string, string>;
  readonly labels?: Record<string, string>;
}

interface Asked {
  readonly mount: ContainerMount;
  readonly volume: AskedVolume;
}

function inherited({ hostConfig, mountsOf }: MountSources): ContainerMount[] {
  // Not found is what a client then pulls an image for, and no image is missing.
  const mountsOfOther = (reference: string) => {
    try {
      return mountsOf(reference);
    } catch (error) {
      throw hasCode(error, 'container/not-found') ? invalidConfig('VolumesFrom', error.message) : error;
    }
  };
  return (hostConfig.VolumesFrom ?? []).flatMap((text) => {
    const at = text.lastIndexOf(':');
    const [reference, mode] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    if (mode !== '' && !mode.split(',').every((word) => ['ro', 'rw', 'z', 'Z'].includes(word))) {
      throw invalidConfig('VolumesFrom', `invalid mode: ${mode}`);
    }
    const words = mode.split(',');
    return mountsOfOther(reference)
      .filter(({ type }) => type === 'bind' || type === 'volume')
      .map((mount) => {
        const readOnly = mount.readOnly || words.includes('ro'); // `rw` gives nobody more than the other has
        return { ...mount, readOnly };
      });
  });
}

const propagations = ['shared', 'rshared', 'slave', 'rslave', 'private', 'rprivate'];
const ignoredModes = ['z', 'Z', 'cached', 'delegated', 'consistent'];

/** `source:destination[:mode]`; without a slash in front the source is a volume, alone it is an anonymous one's place. */
function parseBind(text: string): Asked {
  const parts = text.split(':');
  const [first = '', second, mode = ''] = parts;
  if (parts.length > 3 || first === '' || second === '') {
    throw invalidConfig('Binds', `invalid volume specification: '${text}'`);
  }
  if (second === undefined) {
    return { mount: { ...plain, type: 'volume', source: '', destination: cleanDestination(first) }, volume: {} };
  }
  const words = mode === '' ? [] : mode.split(',');
  const isBind = first.startsWith('/');
  const known = ['ro', 'rw', 'nocopy', 'volume-nocopy', ...propagations, ...ignoredModes];
  const access = words.filter((word) => word === 'ro' || word === 'rw');
  if (access.length > 1 || words.some((word) => !known.includes(word))) {
    throw invalidConfig('Binds', `invalid mode: ${mode}`);
  }
  const noCopy = words.some((word) => word.endsWith('nocopy'));
  const where = `invalid volume specification: '${text}': invalid mount config for type "${isBind ? 'bind' : 'volume'}": `;
  if (isBind && noCopy) throw invalidConfig('Binds', `${where}field VolumeOptions must not be specified`);
  const mount: ContainerMount = {
    ...plain,
    type: isBind ? 'bind' : 'volume',
    source: isBind ? posix.normalize(first) : '',
    ...(isBind ? {} : { name: first }),
    destination: cleanDestination(second, where),
    readOnly: words.includes('ro'),
    mode,
    propagation: words.find((word) => propagations.includes(word)) ?? '',
    createSource: isBind,
    noCopy,
  };
  return { mount, volume: {} };
}

/** Which mounts have which options. */
const optionsOf: readonly (readonly [keyof MountRequest, readonly MountRequest['Type'][]])[] = [
  ['BindOptions', ['bind']],
  ['VolumeOptions', ['volume', 'cluster']],
  ['TmpfsOptions', ['tmpfs']],
  ['ImageOptions', ['image']],
];

function parseMount(request: MountRequest): Asked {
  const {
    Type,
    Source = '',
    Target,
    ReadOnly = false,
    BindOptions,
    VolumeOptions,
    ImageOptions,
    TmpfsOptions,
  } = request;
  if ((Target as string | undefined) === undefined || Target === '') {
    throw invalidConfig('Mounts', `invalid mount config for type "${Type}": field Target must not be empty`);
  }
  const misplaced = optionsOf.find(([option, types]) => request[option] != null && !types.includes(Type));
  if (misplaced !== undefined) {
    throw invalidConfig('Mounts', `${misplaced[0]} must not be specified on mount type "${Type}"`);
  }
  const destination = cleanDestination(Target, `invalid mount config for type "${Type}": `);
  const common = { ...plain, destination, readOnly: ReadOnly };
  switch (Type) {
    case 'bind': {
      if (Source === '') {
        throw invalidConfig('Mounts', 'invalid mount config for type "bind": field Source must not be empty');
      }
      if (!Source.startsWith('/')) {
        throw invalidConfig(
          'Mounts',
          `invalid mount config for type "bind": invalid mount path: '${Source}' mount path must be absolute`,
        );
      }
      const propagation = BindOptions?.Propagation ?? '';
      if (propagation !== '' && !propagations.includes(propagation)) {
        throw invalidConfig('Mounts', `invalid mount config for type "bind": invalid propagation mode: ${propagation}`);
      }
      const bind = {
        createSource: BindOptions?.CreateMountpoint === true,
        nonRecursive: BindOptions?.NonRecursive === true,
        ...(BindOptions?.ReadOnlyNonRecursive === true ? { shallowReadOnly: true } : {}),
        ...(BindOptions?.IdMap == null ? {} : { idMap: parseIdMap(BindOptions.IdMap) }),
      };
      return { mount: { ...common, ...bind, type: 'bind', source: posix.normalize(Source), propagation }, volume: {} };
    }
    case 'volume': {
      const subpath = VolumeOptions?.Subpath ?? '';
      if (subpath.startsWith('/') || posix.normalize(subpath).split('/').includes('..')) {
        throw invalidConfig(
          'Mounts',
          'invalid mount config for type "volume": subpath must be a relative path within the volume',
        );
      }
      const driver = VolumeOptions?.DriverConfig?.Name ?? '';
      return {
        mount: {
          ...common,
          type: 'volume',
          source: '',
          ...(Source === '' ? {} : { name: Source }),
          ...(subpath === '' ? {} : { subpath }),
          noCopy: VolumeOptions?.NoCopy === true,
        },
        volume: {
          ...(driver === '' ? {} : { driver }),
          options: { ...VolumeOptions?.DriverConfig?.Options },
          labels: { ...VolumeOptions?.Labels },
        },
      };
    }
    case 'tmpfs': {
      if (Source !== '')
        throw invalidConfig('Mounts', 'invalid mount config for type "tmpfs": field Source must not be specified');
      const { SizeBytes = 0, Mode = 0, Options = [] } = TmpfsOptions ?? {};
      const options = [
        ...(ReadOnly ? ['ro'] : []),
        ...(SizeBytes > 0 ? [`size=${SizeBytes}`] : []),
        ...(Mode > 0 ? [`mode=${Mode.toString(8)}`] : []),
        ...Options.map((words) => words.join('=')),
      ];
      return { mount: { ...common, type: 'tmpfs', source: '', options }, volume: {} };
    }
    case 'image': {
      const subpath = ImageOptions?.Subpath ?? '';
      const mount = { ...common, type: 'image' as const, source: Source, readOnly: true };
      return { mount: subpath === '' ? mount : { ...mount, subpath }, volume: {} };
    }
    case 'npipe':
    case 'cluster':
      throw invalidConfig('Mounts', `invalid mount config for type "${Type}": mount type unknown`);
    default:
      throw invalidConfig('Mounts', `invalid mount config for type "${String(Type)}": mount type unknown`);
  }
}

function parseTmpfs(path: string, options: string): Asked {
  const words = options.split(',').filter((word) => word !== '');
  const destination = cleanDestination(path);
  return { mount: { ...plain, type: 'tmpfs', source: '', destination, options: words }, volume: {} };
}

/** @param where - what a complaint begins with */
function cleanDestination(path: string, where = ''): string {
  if (!path.startsWith('/')) {
    throw invalidConfig('Mounts', `${where}invalid mount path: '${path}' mount path must be absolute`);
  }
  const clean = posix.normalize(path).replace(/(?<=.)\/+$/, '');
  if (clean === '/') throw invalidConfig('Mounts', `invalid specification: destination can't be '/'`);
  return clean;
}

function checkSource({ type, source, createSource }: ContainerMount): void {
  if (type !== 'bind' || createSource || existsSync(source)) return;
  throw new TscomposeError({
    code: 'container/mount-missing',
    message: `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    facts: { path: source },
  });
}

/** Gives a volume mount its volume, made when there is none of that name. */
async function withVolume(
  mount: ContainerMount,
  asked: AskedVolume,
  { containerId, volumes, hostConfig }: MountSources,
): Promise<ContainerMount> {
  if (mount.type !== 'volume') return mount;
  const driver = asked.driver ?? hostConfig.VolumeDriver ?? '';
  const existing = mount.name === undefined ? undefined : await volumes.reserve(mount.name, containerId);
  const volume =
    existing ??
    (await volumes.create(
      {
        ...(mount.name === undefined ? {} : { Name: mount.name }),
        ...(driver === '' ? {} : { Driver: driver }),
        DriverOpts: asked.options ?? {},
        Labels: asked.labels ?? {},
      },
      { madeFor: containerId },
    ));
  return { ...mount, name: volume.name, source: volumes.mountpoint(volume.name) };
}

/** Whether a path is there and no folder. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}
