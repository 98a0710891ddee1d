import { readFile } from 'node:fs/promises';
import type { ContainerCreateRequest } from '../api/container.js';
import { composeLabels } from '../api/labels.js';
import { fillPlaceholders, hashOf, type OperationOf } from '../plan/index.js';
import { archiveOf } from './archive-of-files.js';
import { idOfRef, type ExecutionContext, type Executors } from './execution-context.js';
import { imageExecutors } from './image-executors.js';
import { runHook } from './run-hook.js';
import { provideModel, runProvider, type ProviderSurroundings } from './run-provider.js';
import { unlessGone, unlessInUse } from './tolerated.js';
import { waitForAll } from './wait-for.js';

export const executors: Executors = {
  ...imageExecutors,
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
  'container.wait': waitForAll,
};

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
