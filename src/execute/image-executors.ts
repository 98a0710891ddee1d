import { messageOf } from '../base/errors.js';
import type { BuildRequest } from '../plan/index.js';
import { prepareContext } from './build-context.js';
import type { Executors } from './execution-context.js';
import { reportMessages } from './image-progress.js';
import { OutputTail } from './output-tail.js';
import { unlessInUse } from './tolerated.js';

export const imageExecutors: Executors<'image.pull' | 'image.push' | 'image.build' | 'image.remove'> = {
  'image.pull': async (operation, { client, credentials, onEvent, signal, keepId, leave }) => {
    const { image, platform, optional } = operation;
    try {
      const auth = await credentials(image);
      const query = { ...(platform === undefined ? {} : { platform }), ...(auth === undefined ? {} : { auth }) };
      const messages = client.images.pull({ reference: image, ...query }, signal);
      await reportMessages(messages, `Image ${image}`, onEvent);
    } catch (error) {
      signal.throwIfAborted();
      if (!optional) throw error;
      onEvent({ kind: 'warning', subject: `Image ${image}`, status: 'Warning', detail: messageOf(error) });
      leave();
      return;
    }
    keepId((await client.images.inspect(image, signal, platform)).Id);
  },
  'image.push': async ({ image, optional }, { client, credentials, onEvent, signal, leave }) => {
    const subject = `Image ${image}`;
    try {
      const auth = await credentials(image);
      const messages = client.images.push(image, auth === undefined ? {} : { auth }, signal);
      await reportMessages(messages, subject, onEvent, new OutputTail(0), 'Pushing');
    } catch (error) {
      signal.throwIfAborted();
      if (!optional) throw error;
      onEvent({ kind: 'warning', subject, status: 'Warning', detail: messageOf(error) });
      leave();
    }
  },
  'image.build': async (operation, { client, buildCredentials, onEvent, signal, output, keepId }) => {
    const { image, service, request } = operation;
    const { context, dockerfile, builder, unpinned = false } = await prepareContext(client, service, request, signal);
    if (unpinned) {
      const detail = 'base images are those of today: this engine’s builder knows nothing of compose.lock';
      onEvent({ kind: 'warning', subject: `Image ${image}`, status: 'Warning', detail });
    }
    const { tags, args, labels, noCache, pull, extraHosts, cacheFrom, ulimits } = request;
    const registryAuth = await buildCredentials(imagesOf(request));
    const query = {
      tags,
      args,
      labels,
      noCache,
      pull,
      extraHosts,
      cacheFrom,
      ...(ulimits.length === 0 ? {} : { ulimits }),
      ...(dockerfile === undefined ? {} : { dockerfile }),
      ...(builder === undefined ? {} : { builder }),
      ...(request.target === undefined ? {} : { target: request.target }),
      ...(request.networkMode === undefined ? {} : { networkMode: request.networkMode }),
      ...(request.platforms.length === 0 ? {} : { platform: request.platforms.join(',') }),
      ...(Object.keys(registryAuth).length === 0 ? {} : { registryAuth }),
      ...(request.shmSize === undefined ? {} : { shmSize: request.shmSize }),
      ...(request.isolation === undefined ? {} : { isolation: request.isolation }),
    };
    const messages = client.images.build(context, query, signal);
    const id = await reportMessages(messages, `Image ${image}`, onEvent, output);
    keepId(id ?? (await client.images.inspect(image, signal)).Id);
  },
  'image.remove': async ({ image, whenUnused }, context) => {
    await unlessInUse(context.client.images.remove(image, {}, context.signal), `Image ${image}`, whenUnused, context);
  },
};

/** What a build request itself names in registries. */
function imagesOf({ cacheFrom, cacheTo, additionalContexts, bases }: BuildRequest): string[] {
  const caches = [...cacheFrom, ...cacheTo].flatMap((text) => {
    if (!text.includes('=')) return [text];
    return /(?:^|,)type=(?!registry)/.test(text) ? [] : (/(?:^|,)ref=([^,]+)/.exec(text)?.[1] ?? []);
  });
  const contexts = Object.values(additionalContexts).flatMap((text) => /^docker-image:\/\/(.+)$/.exec(text)?.[1] ?? []);
  return [...caches, ...contexts, ...Object.values(bases?.pins ?? {})];
}
