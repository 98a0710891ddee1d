import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { EngineEvent } from '../../../src/api/events.js';
import { type ContentStore, openContentStore } from '../../../src/engine/content/index.js';
import { type Image, type ImageStore, openImageStore } from '../../../src/engine/images/index.js';
import { type LayerStore, openLayerStore } from '../../../src/engine/snapshots/index.js';
import { type Member, tarOf } from '../snapshots/archives.js';

export interface Stores {
  readonly dir: string;
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly images: ImageStore;
  readonly events: Pick<EngineEvent, 'Type' | 'Action' | 'Actor'>[];
  reopen(): Promise<Stores>;
  dispose(): Promise<void>;
}

export async function openStores(dir?: string): Promise<Stores> {
  const root = dir ?? (await mkdtemp(join(tmpdir(), 'images-')));
  const events: Stores['events'] = [];
  const content = await openContentStore(join(root, 'content'));
  const layers = await openLayerStore({ dir: join(root, 'layers') });
  const images = await openImageStore({
    dir: join(root, 'images'),
    content,
    layers,
    registries: { environment: {}, firstRetryDelayMs: 5 },
    events: { publish: (event) => void events.push(event) },
  });
  return {
    dir: root,
    content,
    layers,
    images,
    events,
    async reopen() {
      await layers.close();
      return openStores(root);
    },
    async dispose() {
      await layers.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Imports a root file system of `members` under a name. */
export function imported({ images }: Stores, name: string | undefined, ...members: readonly Member[]): Promise<Image> {
  const signal = new AbortController().signal;
  return images.importTar(Readable.from([tarOf(...members)]), {
    ...(name === undefined ? {} : { repo: name }),
    signal,
  });
}
