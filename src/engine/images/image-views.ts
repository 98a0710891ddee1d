import type { ContainerConfig } from '../../api/container.js';
import type { ImageHistoryItem, ImageInspect } from '../../api/image.js';
import type { LayerStore } from '../snapshots/index.js';
import type { Catalog } from './catalog.js';
import type { Image } from './types.js';

const zeroTime = '0001-01-01T00:00:00Z';

/** Members that Docker always writes, whatever the config says. */
const plainConfig = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
} satisfies ContainerConfig;

export function inspectJson(image: Image, layers: LayerStore): ImageInspect {
  const { config } = image;
  const lower = layers.lowerDirs(image.chainId);
  const [top = '', ...below] = lower;
  return {
    Id: image.id,
    RepoTags: [...image.tags],
    RepoDigests: [...image.repoDigests],
    Parent: image.parent ?? '',
    Comment: config.comment ?? config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? zeroTime,
    DockerVersion: config.docker_version ?? '',
    Author: config.author ?? '',
    Config: { ...plainConfig, ...config.config },
    Architecture: config.architecture,
    ...(config.variant === undefined || config.variant === '' ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: {
      Name: 'overlay2',
      Data: image.chainId === undefined ? null : graphData(top, below),
    },
    RootFS: { Type: 'layers', Layers: [...config.rootfs.diff_ids] },
    Metadata: { LastTagTime: image.lastTagTime ?? zeroTime },
  };
}

function graphData(top: string, below: readonly string[]): Record<string, string> {
  const base = top.replace(/\/diff$/, '');
  return {
    ...(below.length === 0 ? {} : { LowerDir: below.join(':') }),
    MergedDir: `${base}/merged`,
    UpperDir: top,
    WorkDir: `${base}/work`,
  };
}

/** Newest step first. Only the newest has an id, unless an older one is an image here too. */
export function historyOf(image: Image, layers: LayerStore, catalog: Catalog): ImageHistoryItem[] {
  const chain = image.chainId === undefined ? [] : [...layers.chain(image.chainId)].reverse();
  const items: ImageHistoryItem[] = [];
  let layer = 0;
  for (const entry of image.config.history ?? []) {
    const own = entry.empty_layer === true ? undefined : chain[layer];
    if (entry.empty_layer !== true) layer += 1;
    items.push({
      Id: '<missing>',
      Created: unixSeconds(entry.created),
      CreatedBy: entry.created_by ?? '',
      Tags: null,
      Size: own?.sizeBytes ?? 0,
      Comment: entry.comment ?? '',
    });
  }
  items.reverse();
  let at: Image | undefined = image;
  for (const item of items) {
    if (at === undefined) break;
    item.Id = at.id;
    item.Tags = at.tags.length === 0 ? null : [...at.tags];
    at = at.parent === undefined ? undefined : catalog.get(at.parent);
  }
  return items;
}

export function unixSeconds(time: string | undefined): number {
  const ms = Date.parse(time ?? '');
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1_000);
}
