import type { ContainerCreateRequest } from '../../src/api/container.js';
import { composeLabels } from '../../src/api/labels.js';
import {
  fillPlaceholders,
  hashOf,
  type ContainerRef,
  type ObservedContainer,
  type ObservedState,
  type Operation,
  type Plan,
} from '../../src/plan/index.js';

/** An engine in so many words: what a state is after a plan, every operation taken as having succeeded. */
export function simulate(observed: ObservedState, plan: Plan): ObservedState {
  const world = new World(observed);
  for (const { id, operation } of plan.steps) world.apply(id, operation);
  return world.state();
}

let lastId = 0;

/** 64 hex digits, never the same twice. */
function newId(): string {
  lastId++;
  return lastId.toString(16).padStart(8, '0').repeat(8);
}

class World {
  readonly #containers: Map<string, ObservedContainer>;
  readonly #networks: Map<string, ObservedState['networks'][number]>;
  readonly #volumes: Map<string, ObservedState['volumes'][number]>;
  readonly #images: Map<string, ObservedState['images'][string]>;
  readonly #ids = new Map<number, string>();

  constructor({ containers, networks, volumes, images }: ObservedState) {
    this.#containers = new Map(containers.map((container) => [container.id, container]));
    this.#networks = new Map(networks.map((network) => [network.name, network]));
    this.#volumes = new Map(volumes.map((volume) => [volume.name, volume]));
    this.#images = new Map(Object.entries(images));
  }

  state(): ObservedState {
    return {
      containers: [...this.#containers.values()],
      networks: [...this.#networks.values()],
      volumes: [...this.#volumes.values()],
      images: Object.fromEntries(this.#images),
    };
  }

  apply(step: number, operation: Operation): void {
    switch (operation.kind) {
      case 'image.pull':
      case 'image.build': {
        const id = `sha256:${newId()}`;
        this.#ids.set(step, id);
        this.#images.set(operation.image, { id, platform: 'linux/amd64', volumes: [], hasHealthCheck: false });
        return;
      }
      case 'image.remove':
        this.#images.delete(operation.image);
        return;
      case 'network.create':
        if (this.#networks.has(operation.network)) throw new Error(`network ${operation.network} exists`);
        this.#networks.set(operation.network, {
          id: newId(),
          name: operation.network,
          labels: operation.request.Labels ?? {},
        });
        return;
      case 'network.remove': {
        const holders = [...this.#containers.values()].filter(({ networks }) => operation.network in networks);
        if (holders.length > 0) throw new Error(`network ${operation.network} has ${holders[0]?.name ?? ''}`);
        this.#networks.delete(operation.network);
        return;
      }
      case 'network.connect': {
        const { id } = this.#networks.get(operation.network) ?? fail(`no network ${operation.network}`);
        this.#change(operation.container, ({ networks }) => ({ networks: { ...networks, [operation.network]: id } }));
        return;
      }
      case 'network.disconnect':
        this.#change(operation.container, ({ networks }) => ({
          networks: Object.fromEntries(Object.entries(networks).filter(([name]) => name !== operation.network)),
        }));
        return;
      case 'volume.create':
        this.#volumes.set(operation.volume, { name: operation.volume, labels: operation.request.Labels ?? {} });
        return;
      case 'volume.remove':
        this.#volumes.delete(operation.volume);
        return;
      case 'container.create':
        this.#create(step, operation);
        return;
      case 'container.rename':
        if ([...this.#containers.values()].some(({ name }) => name === operation.newName)) {
          throw new Error(`name ${operation.newName} is taken`);
        }
        this.#change(operation.container, () => ({ name: operation.newName }));
        return;
      case 'container.start':
      case 'container.unpause':
      case 'container.restart':
        this.#change(operation.container, ({ labels }) => ({
          status: 'running',
          exitCode: undefined,
          health: labels['test.health'] === 'yes' ? 'healthy' : undefined,
        }));
        return;
      case 'container.stop':
      case 'container.kill':
        this.#change(operation.container, () => ({ status: 'exited', exitCode: 0, health: undefined }));
        return;
      case 'container.pause':
        this.#change(operation.container, () => ({ status: 'paused' }));
        return;
      case 'container.remove':
        if (!this.#containers.delete(this.#idOf(operation.container))) throw new Error('removed twice');
        return;
      case 'container.upload':
      case 'container.exec':
      case 'provider.run':
      case 'model.provide':
      case 'image.push':
      case 'container.wait':
        return;
    }
  }

  #create(step: number, operation: Extract<Operation, { kind: 'container.create' }>): void {
    if ([...this.#containers.values()].some(({ name }) => name === operation.name)) {
      throw new Error(`name ${operation.name} is taken`);
    }
    const idOf = (id: number) => this.#ids.get(id) ?? fail(`step ${id} brought no id`);
    const request: ContainerCreateRequest = fillPlaceholders(operation.request, idOf);
    const hash: Record<string, string> =
      operation.hashInput === undefined
        ? {}
        : { [composeLabels.configHash]: hashOf(fillPlaceholders(operation.hashInput, idOf)) };
    const id = newId();
    this.#ids.set(step, id);
    const labels = { ...request.Labels, ...hash };
    const endpoints = Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {});
    this.#containers.set(id, {
      id,
      name: operation.name,
      service: operation.service,
      number: operation.number,
      oneOff: false,
      status: 'created',
      exitCode: undefined,
      health: undefined,
      labels: request.Healthcheck === undefined ? labels : { ...labels, 'test.health': 'yes' },
      image: request.Image ?? '',
      imageId: labels[composeLabels.imageDigest] ?? '',
      networks: Object.fromEntries(
        endpoints.map((name) => [name, this.#networks.get(name)?.id ?? fail(`no network ${name}`)]),
      ),
      mounts: [
        ...(request.HostConfig?.Mounts ?? []).map(({ Type, Source, Target }) => ({
          type: Type,
          name: Type === 'volume' ? (Source ?? newId()) : undefined,
          target: Target,
        })),
        ...(request.HostConfig?.VolumesFrom ?? []).flatMap((from) => {
          return this.#containers.get(from.split(':')[0] ?? '')?.mounts ?? [];
        }),
      ],
      hostPorts: [],
      createdS: lastId,
    });
  }

  #change(ref: ContainerRef, change: (container: ObservedContainer) => Partial<ObservedContainer>): void {
    const id = this.#idOf(ref);
    const container = this.#containers.get(id) ?? fail(`no container ${ref.name}`);
    this.#containers.set(id, { ...container, ...change(container) });
  }

  #idOf(ref: ContainerRef): string {
    return 'id' in ref ? ref.id : (this.#ids.get(ref.step) ?? fail(`step ${ref.step} brought no id`));
  }
}

function fail(message: string): never {
  throw new Error(message);
}
