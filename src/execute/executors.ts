import { readFile } from 'node:fs/promises';
import type { ContainerCreateRequest, ContainerInspect } from '../api/container.js';
import type { RegistryAuth } from '../api/image.js';
import { composeLabels } from '../api/labels.js';
import { hasCode, messageOf } from '../base/errors.js';
import { isConflict, isNotFound, type EngineClient } from '../client/index.js';
import {
  type BuildRequest,
  fillPlaceholders,
  hashOf,
  type ContainerRef,
  type Fetched,
  type OperationKind,
  type OperationOf,
} from '../plan/index.js';
import { archiveOf } from './archive-of-files.js';
import { prepareContext } from './build-context.js';
import { judge, type Verdict } from './conditions.js';
import type { ContainerWatch } from './container-watch.js';
import { dependencyFailure, type FailureProject } from './failures.js';
import { reportMessages } from './image-progress.js';
import { LineAssembler, type TimedLine } from './log-lines.js';
import { OutputTail } from './output-tail.js';
import type { OnEvent } from './progress.js';
import { runHook } from './run-hook.js';
import { provideModel, runProvider, type ProviderSurroundings } from './run-provider.js';
import { noteOf } from './told.js';

/** What one operation sees of the run. */
export interface ExecutionContext {
  readonly client: EngineClient;
  readonly project: FailureProject;
  readonly watch: ContainerWatch;
  readonly onEvent: OnEvent;
  readonly signal: AbortSignal;
  readonly attach: (containerId: string) => Promise<void>;
  /** What the user is logged in with at the registry of an image; undefined for nobody. */
  readonly credentials: (image: string) => Promise<RegistryAuth | undefined>;
  /** Of the registries of these images, and of all others that the user is known to be logged in at. */
  readonly buildCredentials: (images: readonly string[]) => Promise<Readonly<Record<string, RegistryAuth>>>;
  /** Keeps the end of what a build says. */
  readonly output: OutputTail;
  /** Id that an earlier step brought. */
  readonly idOf: (step: number) => string;
  /** Keeps the id that this step brings. */
  readonly keepId: (id: string) => void;
  /** Keeps what a provider or model answered, for the next plan. */
  readonly keep: (answer: Answers) => void;
  /** It has not come to its usual end, and that has been told. */
  readonly leave: () => void;
}

/** Of providers and models. */
export type Answers = Pick<Fetched, 'provided' | 'endpoints'>;

type Executors = {
  readonly [K in OperationKind]: (operation: OperationOf<K>, context: ExecutionContext) => Promise<void>;
};

export const executors: Executors = {
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
    const { context, dockerfile, unpinned = false } = await prepareContext(client, service, request, signal);
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
  'provider.run': async (operation, context) => {
    const { onEvent, signal, keep, output } = context;
    const { service, action } = operation;
    const variables = await runProvider(operation, {
      surroundings: surroundingsOf(context),
      signal,
      complaints: output,
      onMessage: (kind, text) => {
        const [detail = ''] = text.split('\n');
        if (kind === 'info') onEvent({ kind: 'progress', subject: `Service ${service}`, status: 'Working', detail });
      },
    });
    if (action === 'up') keep({ provided: { [service]: variables } });
  },
  'model.provide': async (operation, context) => {
    const { onEvent, signal, keep } = context;
    const endpoint = await provideModel(operation, surroundingsOf(context), signal, () => {
      onEvent({ kind: 'progress', subject: `Model ${operation.key}`, status: 'Pulling', detail: operation.model });
    });
    keep({ endpoints: { [operation.key]: endpoint } });
  },
  'network.create': async ({ request }, { client, signal }) => {
    await client.networks.create(request, signal);
  },
  'network.connect': async ({ network, container, endpoint }, { client, signal, idOf }) => {
    await client.networks.connect(network, { Container: idOfRef(container, idOf), EndpointConfig: endpoint }, signal);
  },
  'network.disconnect': async ({ network, container }, { client, signal, idOf }) => {
    await unlessGone(client.networks.disconnect(network, { Container: idOfRef(container, idOf), Force: true }, signal));
  },
  'network.remove': async ({ network, id, whenUnused }, context) => {
    await unlessInUse(context.client.networks.remove(id, context.signal), `Network ${network}`, whenUnused, context);
  },
  'volume.create': async ({ request }, { client, signal }) => {
    await client.volumes.create(request, signal);
  },
  'volume.remove': async ({ volume, whenUnused }, context) => {
    await unlessInUse(
      context.client.volumes.remove(volume, {}, context.signal),
      `Volume ${volume}`,
      whenUnused,
      context,
    );
  },
  'container.create': async (operation, { client, signal, idOf, keepId, onEvent }) => {
    const { name, finalName, platform } = operation;
    const request = await withProfiles(withHash(operation, idOf));
    const { Id, Warnings } = await client.containers.create(
      request,
      { ...(name === '' ? {} : { name }), ...(platform === undefined ? {} : { platform }) },
      signal,
    );
    keepId(Id);
    for (const detail of Warnings)
      onEvent({ kind: 'warning', subject: `Container ${finalName}`, status: 'Warning', detail });
  },
  'container.upload': async ({ container, files }, { client, signal, idOf }) => {
    const tar = archiveOf(files, BigInt(Date.now()) * 1_000_000n);
    await client.containers.putArchive(idOfRef(container, idOf), { path: '/' }, tar, signal);
  },
  'container.rename': async ({ container, newName }, { client, signal, idOf }) => {
    await client.containers.rename(idOfRef(container, idOf), newName, signal);
  },
  'container.start': async ({ container, attached }, { client, signal, idOf, attach }) => {
    if (attached === true) await attach(idOfRef(container, idOf));
    await client.containers.start(idOfRef(container, idOf), signal);
  },
  'container.stop': async ({ container, timeoutS }, { client, signal, idOf }) => {
    await unlessGone(client.containers.stop(idOfRef(container, idOf), timeout(timeoutS), signal));
  },
  'container.restart': async ({ container, timeoutS }, { client, signal, idOf }) => {
    await client.containers.restart(idOfRef(container, idOf), timeout(timeoutS), signal);
  },
  'container.kill': async ({ container, signal: name }, { client, signal, idOf }) => {
    await unlessGone(client.containers.kill(idOfRef(container, idOf), { signal: name }, signal));
  },
  'container.exec': async ({ container, hook, name }, { client, signal, idOf, onEvent, output }) => {
    await runHook(client, idOfRef(container, idOf), hook, signal, (line) => {
      output.push(`${line}\n`);
      onEvent({ kind: 'progress', subject: `Container ${container.name}`, status: name, detail: line });
    });
  },
  'container.pause': async ({ container }, { client, signal, idOf }) => {
    await client.containers.pause(idOfRef(container, idOf), signal);
  },
  'container.unpause': async ({ container }, { client, signal, idOf }) => {
    await client.containers.unpause(idOfRef(container, idOf), signal);
  },
  'container.remove': async ({ container, force, volumes }, { client, signal, idOf }) => {
    await unlessGone(client.containers.remove(idOfRef(container, idOf), { force, volumes }, signal));
  },
  'container.wait': async (operation, context) => {
    const { containers, condition } = operation;
    const waits = containers.map((container) => waitFor(operation, container, context));
    if (condition === 'completed') await Promise.any(waits).catch(firstReason);
    else await Promise.all(waits);
  },
};

async function waitFor(
  operation: OperationOf<'container.wait'>,
  container: ContainerRef,
  { client, project, watch, signal, idOf, onEvent }: ExecutionContext,
): Promise<void> {
  const id = idOfRef(container, idOf);
  const subject = `Container ${container.name}`;
  onEvent({ kind: 'started', subject, status: 'Waiting' });
  const telling =
    operation.hook === undefined
      ? undefined
      : tellOutput(client, id, signal, (detail) => {
          onEvent({ kind: 'progress', subject, status: operation.hook ?? '', detail });
        });
  let told: string | undefined;
  const look = (state: ContainerInspect): Verdict | undefined => {
    const verdict = judge(operation.condition, state);
    const note = verdict === undefined ? noteOf(state.Tscompose) : undefined;
    if (verdict === undefined && note !== told)
      onEvent({ kind: 'progress', subject, status: 'Waiting', ...(note === undefined ? {} : { detail: note }) });
    told = note;
    return verdict;
  };
  const verdict = await watch.until(id, look, signal);
  await telling;
  if (verdict.met) {
    onEvent({ kind: 'done', subject, status: verdict.status });
    return;
  }
  const of = { id, name: container.name };
  const failure = await dependencyFailure({ client, project }, operation, of, verdict.obstacle, signal);
  if (operation.required) {
    onEvent({ kind: 'failed', subject, status: 'Error' });
    throw failure;
  }
  onEvent({ kind: 'warning', subject, status: 'Warning', detail: failure.message });
}

/** Tells all that a container says until it ends; nothing where its log cannot be read, which is no failure of what it does. */
async function tellOutput(
  client: EngineClient,
  id: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const lines = new LineAssembler();
  const tell = ({ text }: TimedLine): void => {
    onLine(text);
  };
  try {
    for await (const { stream, payload } of client.containers.logs(id, { follow: true, timestamps: true }, signal))
      lines.push(stream, payload).forEach(tell);
  } catch (error) {
    if (!signal.aborted && !hasCode(error, 'engine/response')) throw error;
  }
  lines.end().forEach(tell);
}

/** Of several that all failed. */
function firstReason(error: unknown): never {
  throw error instanceof AggregateError ? error.errors[0] : error;
}

function idOfRef(container: ContainerRef, idOf: (step: number) => string): string {
  return 'id' in container ? container.id : idOf(container.step);
}

function withHash(
  { request, hashInput }: OperationOf<'container.create'>,
  idOf: (step: number) => string,
): ContainerCreateRequest {
  const filled = fillPlaceholders(request, idOf);
  if (hashInput === undefined) return filled;
  const hash = hashOf(fillPlaceholders(hashInput, idOf));
  return { ...filled, Labels: { ...filled.Labels, [composeLabels.configHash]: hash } };
}

/** The API takes seccomp profiles by content. */
async function withProfiles(request: ContainerCreateRequest): Promise<ContainerCreateRequest> {
  const options = request.HostConfig?.SecurityOpt;
  if (options === undefined || options === null) return request;
  const filled = await Promise.all(
    options.map(async (option) => {
      const path = /^seccomp[=:](\/.*)$/.exec(option)?.[1];
      return path === undefined ? option : `seccomp=${await readFile(path, 'utf8')}`;
    }),
  );
  return { ...request, HostConfig: { ...request.HostConfig, SecurityOpt: filled } };
}

/** What it asks docker for goes to the engine that the project is on. */
function surroundingsOf({ project, client }: ExecutionContext): ProviderSurroundings {
  if (project === undefined || !('workingDir' in project)) throw new Error('bug: no project to run its provider in');
  const { workingDir, environment } = project;
  return { workingDir, environment: { ...environment, DOCKER_HOST: client.host } };
}

function timeout(timeoutS: number | undefined): { timeoutS?: number } {
  return timeoutS === undefined ? {} : { timeoutS };
}

/** It is gone, which is what was wanted; or someone else is removing it. */
async function unlessGone(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}

async function unlessInUse(
  answer: Promise<unknown>,
  subject: string,
  whenUnused: boolean,
  { onEvent, leave }: ExecutionContext,
): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (isNotFound(error)) return;
    // 403: a network with endpoints.
    const inUse = isConflict(error) || (hasCode(error, 'engine/response') && error.facts.status === 403);
    if (!whenUnused || !inUse) throw error;
    onEvent({ kind: 'warning', subject, status: 'Warning', detail: 'Resource is still in use' });
    leave();
  }
}

/** What a build request itself names in registries. */
function imagesOf({ cacheFrom, cacheTo, additionalContexts, bases }: BuildRequest): string[] {
  const caches = [...cacheFrom, ...cacheTo].flatMap((text) => {
    if (!text.includes('=')) return [text];
    return /(?:^|,)type=(?!registry)/.test(text) ? [] : (/(?:^|,)ref=([^,]+)/.exec(text)?.[1] ?? []);
  });
  const contexts = Object.values(additionalContexts).flatMap((text) => /^docker-image:\/\/(.+)$/.exec(text)?.[1] ?? []);
  return [...caches, ...contexts, ...Object.values(bases?.pins ?? {})];
}
