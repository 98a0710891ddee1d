import type { ContainerConfig } from '../../../api/container.js';
import type { Digest } from '../../../base/digest.js';
import { applyChanges, type Image } from '../../images/index.js';
import { containerConfigShape } from '../body-shapes.js';
import { readJson } from '../body.js';
import { badParameter } from '../errors.js';
import { sendJson, type Exchange } from '../exchange.js';
import type { Rooms } from '../rooms.js';
import type { Route } from '../router.js';

interface CommitRequest {
  readonly container: string;
  readonly repo: string | undefined;
  readonly tag: string | undefined;
  readonly comment: string;
  readonly author: string;
  readonly pause: boolean;
  readonly changes: readonly string[];
  /** Members that replace those of the container's config. */
  readonly config: ContainerConfig;
}

/** Makes an image of what a container has changed. */
export function commitRoutes({ containers, images, layers }: Rooms): readonly Route[] {
  return [
    [
      'POST',
      '/commit',
      async (exchange) => {
        sendJson(exchange, 201, { Id: await commit(await commitRequest(exchange), exchange.engine) });
      },
    ],
  ];

  async function commit(request: CommitRequest, signal: AbortSignal): Promise<Digest> {
    const source = containers.commitSource(request.container);
    const config = applyChanges({ ...source.config, ...request.config }, request.changes);
    const base = images.resolve(source.imageId);
    const release = images.retain(base.id); // its layers are below the new one
    try {
      const { chainId } = await source.hold({ pause: request.pause }, () =>
        layers.commitDirectory({ parent: base.chainId, upperDir: source.upperDir, ownership: 'copy', signal }),
      );
      const tag = request.tag ?? 'latest';
      const image = await images.create({
        config: imageConfig(base, config, request),
        chainId,
        parent: base.id,
        tags: request.repo === undefined ? [] : [`${request.repo}:${tag}`],
      });
      return image.id;
    } finally {
      release();
    }
  }
}

function imageConfig(
  base: Image,
  config: ContainerConfig,
  { comment, author }: CommitRequest,
): Parameters<Rooms['images']['create']>[0]['config'] {
  const created = new Date().toISOString();
  return {
    ...base.config, // its `rootfs` gives way to that of the new layers
    created,
    author,
    comment,
    config: { ...config, Hostname: '', Domainname: '' }, // the name of one container is nothing for the next
    history: [
      ...(base.config.history ?? []),
      { created, created_by: (config.Cmd ?? []).join(' '), ...(author === '' ? {} : { author }), comment },
    ],
  };
}

async function commitRequest({ query, body, request }: Exchange): Promise<CommitRequest> {
  const container = query.text('container');
  if (container === undefined) throw badParameter('container', 'the container to commit is missing');
  return {
    container,
    repo: query.text('repo'),
    tag: query.text('tag'),
    comment: query.text('comment') ?? '',
    author: query.text('author') ?? '',
    pause: query.flag('pause', true),
    changes: query.list('changes'),
    config: await readJson(body, request.headers, containerConfigShape),
  };
}
