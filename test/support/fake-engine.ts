import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerCreateRequest, ContainerState, ContainerSummary, MountPoint } from '../../src/api/container.js';
import type { NetworkInspect } from '../../src/api/network.js';
import { encodeFrame } from '../../src/api/stream-frame.js';
import type { VolumeInspect } from '../../src/api/volume.js';

export interface FakeContainer {
  readonly id: string;
  name: string;
  readonly request: ContainerCreateRequest;
  state: ContainerState;
  /** Lines with their stamps; a line of stream 2 is marked. */
  /** Names of networks. */
  readonly networks: Set<string>;
  readonly log: { readonly time: string; readonly stream: 1 | 2; readonly text: string; readonly end: string }[];
  uploads: number;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/**
 * An engine without a kernel: a server on a unix socket that speaks as much of the Engine API as `execute` uses.
 * Containers do what a test's `behaviour` makes of them.
 */
export class FakeEngine {
  readonly calls: string[] = [];
  readonly containers = new Map<string, FakeContainer>();
  readonly networks = new Map<string, NetworkInspect>();
  readonly volumes = new Map<string, VolumeInspect>();
  readonly images = new Set<string>(['busybox']);
  /** Called when a container has been started. */
  onStart: (container: FakeContainer) => void = () => undefined;
  /** May answer any request in place of the engine, or after it has done what was asked, which `proceed` does. */
  intercept: (method: string, path: string, proceed: () => Answer) => Promise<Answer | undefined> = () =>
    Promise.resolve(undefined);
  /** What every exec writes to its standard output, piece by piece; it ends well. */
  execOutput: readonly Uint8Array[] = [];
  /** Name of a container whose log comes late. */
  slowLogs = '';
  /** Most requests of one kind under way at a time. */
  readonly peak = new Map<string, number>();
  readonly #now = new Map<string, number>();
  readonly #server: Server;
  readonly #listeners = new Set<(event: unknown) => void>();
  readonly #followers = new Map<string, Set<ServerResponse>>();
  readonly #directory: string;
  #ticks = 0;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(JSON.stringify({ message: String(error) }));
      });
    });
    this.#server.on('upgrade', (_, socket) => {
      this.calls.push('POST /exec/ID/start');
      socket.write(
        'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n' +
          'Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
      );
      for (const piece of this.execOutput) socket.write(encodeFrame(1, Buffer.from(piece)));
      socket.end();
    });
  }

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine(await mkdtemp(join(tmpdir(), 'fake-engine-')));
    await new Promise<void>((resolve) => {
      engine.#server.listen(join(engine.#directory, 's'), resolve);
    });
    return engine;
  }

  get host(): string {
    return `unix://${join(this.#directory, 's')}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#directory, { recursive: true });
  }

  byName(name: string): FakeContainer {
    const found = [...this.containers.values()].find((container) => container.name === name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  /** Writes one line to a container's log; one without `end` is not over. */
  write(container: FakeContainer, text: string, stream: 1 | 2 = 1, end = '\n'): void {
    const line = { time: this.#time(), stream, text, end };
    container.log.push(line);
    for (const follower of this.#followers.get(container.id) ?? []) follower.write(frameOf(line));
  }

  change(container: FakeContainer, state: Partial<ContainerState>, action: string): void {
    container.state = { ...container.state, ...state };
    this.emit(container, action);
  }

  /** @param then - `restarting`: its restart policy will start it again */
  exit(container: FakeContainer, exitCode: number, then: 'exited' | 'restarting' = 'exited'): void {
    const restarting = then === 'restarting';
    const ended = { Status: then, Running: restarting, Restarting: restarting, ExitCode: exitCode } as const;
    container.state = { ...container.state, ...ended, FinishedAt: this.#time() };
    delete container.state.Health;
    for (const follower of this.#followers.get(container.id) ?? []) follower.end();
    this.#followers.delete(container.id);
    this.emit(container, 'die');
  }

  /** A run begins. */
  begin(container: FakeContainer): void {
    const running = { Status: 'running', Running: true, Restarting: false, StartedAt: this.#time() } as const;
    container.state = { ...container.state, ...running };
    this.emit(container, 'start');
    this.onStart(container);
  }

  emit(container: FakeContainer, action: string): void {
    const Attributes = { ...container.request.Labels, name: container.name };
    for (const listener of this.#listeners)
      listener({ Type: 'container', Action: action, Actor: { ID: container.id, Attributes } });
  }

  /** Ends every event stream, as an engine that restarts does. */
  dropListeners(): void {
    for (const listener of this.#listeners) listener(undefined);
  }

  /** Strictly rising, a microsecond apart. */
  #time(): string {
    this.#ticks++;
    return `2026-01-01T00:00:00.${String(this.#ticks).padStart(6, '0')}000Z`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://engine');
    const path = url.pathname.replace(/^\/v\d+\.\d+/, '');
    const method = request.method ?? 'GET';
    response.setHeader('Api-Version', '1.47');
    if (path === '/_ping') {
      response.end('OK');
      return;
    }
    const body = await textOf(request);
    const kind = `${method} ${path.replace(/[0-9a-f]{64}/, 'ID')}`;
    this.calls.push(kind);
    if (path === '/events') {
      this.#listen(response);
      return;
    }
    const logs = /^\/containers\/([^/]+)\/logs$/.exec(path);
    if (logs) {
      const slow = this.containers.get(logs[1] ?? '')?.name === this.slowLogs;
      if (slow) await new Promise((resolve) => setTimeout(resolve, 100));
      this.#logs(logs[1] ?? '', url.searchParams, response);
      return;
    }
    const now = (this.#now.get(kind) ?? 0) + 1;
    this.#now.set(kind, now);
    this.peak.set(kind, Math.max(this.peak.get(kind) ?? 0, now));
    const proceed = () => this.#route(method, path, url.searchParams, body);
    const answer = (await this.intercept(method, path, proceed)) ?? proceed();
    this.#now.set(kind, (this.#now.get(kind) ?? 1) - 1);
    response.writeHead(answer.status, { 'Content-Type': 'application/json' });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  #listen(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    const listener = (event: unknown) => {
      if (event === undefined) response.end();
      else response.write(`${JSON.stringify(event)}\n`);
    };
    this.#listeners.add(listener);
    response.on('close', () => this.#listeners.delete(listener));
  }

  #logs(id: string, query: URLSearchParams, response: ServerResponse): void {
    const container = this.containers.get(id);
    if (container === undefined) {
      response.writeHead(404).end(JSON.stringify({ message: `No such container: ${id}` }));
      return;
    }
    const since = query.get('since');
    const tail = query.get('tail');
    const from = since === null ? container.log : container.log.filter(({ time }) => compare(time, since) >= 0);
    const lines = tail === null || tail === 'all' ? from : Number(tail) === 0 ? [] : from.slice(-Number(tail));
    response.writeHead(200, { 'Content-Type': 'application/vnd.docker.multiplexed-stream' }).flushHeaders();
    for (const line of lines) response.write(frameOf(line));
    if (
      query.get('follow') === null ||
      query.get('follow') === '0' ||
      query.get('follow') === 'false' ||
      !container.state.Running
    ) {
      response.end();
      return;
    }
    const followers = this.#followers.get(id) ?? new Set();
    this.#followers.set(id, followers.add(response));
    response.on('close', () => followers.delete(response));
  }

  #route(method: string, path: string, query: URLSearchParams, body: string): Answer {
    const [, resource = '', id = '', action = ''] = path.split('/');
    const json = (): Record<string, unknown> => JSON.parse(body === '' ? '{}' : body) as Record<string, unknown>;
    switch (resource) {
      case 'containers':
        if (path === '/containers/json')
          return { status: 200, body: [...this.containers.values()].map((container) => this.#summaryOf(container)) };
        if (path === '/containers/create') return this.#create(query.get('name') ?? '', json());
        return this.#onContainer(method, id, action, query);
      case 'networks':
        return this.#onNetwork(method, path, json());
      case 'exec':
        return { status: 200, body: { ID: id, Running: false, ExitCode: 0 } };
      case 'volumes':
        return this.#onVolume(method, path, json());
      case 'images': {
        const name = decodeURIComponent(path.replace(/^\/images\//, '').replace(/\/json$/, ''));
        if (!this.images.has(name)) return { status: 404, body: { message: `No such image: ${name}` } };
        return { status: 200, body: { Id: `sha256:${name}`, Os: 'linux', Architecture: 'amd64', Config: null } };
      }
      default:
        return { status: 404, body: { message: 'page not found' } };
    }
  }

  #create(name: string, request: ContainerCreateRequest): Answer {
    if ([...this.containers.values()].some((container) => container.name === name)) {
      return { status: 409, body: { message: `Conflict. The container name "/${name}" is already in use` } };
    }
    const id = randomUUID().replaceAll('-', '').repeat(2);
    const networks = new Set(Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {}));
    const missing = [...networks].find((network) => this.#networkNamed(network) === undefined);
    if (missing !== undefined) return { status: 404, body: { message: `network ${missing} not found` } };
    const container = { id, name, request, networks, state: createdState(), log: [], uploads: 0 };
    this.containers.set(id, container);
    this.emit(container, 'create');
    return { status: 201, body: { Id: id, Warnings: [] } };
  }

  #onContainer(method: string, id: string, action: string, query: URLSearchParams): Answer {
    const container = this.containers.get(id);
    if (container === undefined) return { status: 404, body: { message: `No such container: ${id}` } };
    if (method === 'DELETE') {
      const forced = query.get('force') === '1' || query.get('force') === 'true';
      if (container.state.Running && !forced) return { status: 409, body: { message: `container ${id} is running` } };
      this.containers.delete(id);
      return { status: 204 };
    }
    switch (action) {
      case 'json':
        return { status: 200, body: inspectOf(container) };
      case 'start':
        if (container.state.Running) return { status: 304 };
        this.begin(container);
        return { status: 204 };
      case 'stop':
      case 'kill':
        if (!container.state.Running)
          return { status: action === 'stop' ? 304 : 409, body: { message: 'not running' } };
        if (container.state.Restarting) this.change(container, endedState, action);
        else this.exit(container, 0);
        return { status: 204 };
      case 'exec':
        return { status: 201, body: { Id: randomUUID() } };
      case 'rename':
        return this.#rename(container, query.get('name') ?? '');
      case 'archive':
        container.uploads++;
        return { status: 200 };
      default:
        return { status: 404, body: { message: 'page not found' } };
    }
  }

  #summaryOf({ id, name, request, state, networks }: FakeContainer): Partial<ContainerSummary> {
    const health = state.Health === undefined ? '' : ` (${state.Health.Status})`;
    return {
      Id: id,
      Names: [`/${name}`],
      Image: request.Image ?? '',
      ImageID: `sha256:${request.Image ?? ''}`,
      Labels: request.Labels ?? {},
      State: state.Status,
      Status: state.Running ? `Up 1 second${health}` : `Exited (${state.ExitCode}) 1 second ago`,
      Ports: [],
      Mounts: (request.HostConfig?.Mounts ?? []).map(
        ({ Type, Source, Target }) => ({ Type, Name: Source ?? 'anonymous', Destination: Target }) as MountPoint,
      ),
      NetworkSettings: {
        Networks: Object.fromEntries(
          [...networks].map((key) => [key, { NetworkID: this.#networkNamed(key)?.Id ?? '' }]),
        ),
      },
      Created: 0,
    };
  }

  #onNetwork(method: string, path: string, request: Record<string, unknown>): Answer {
    if (path === '/networks') return { status: 200, body: [...this.networks.values()] };
    if (path === '/networks/create') {
      if (this.#networkNamed(String(request['Name'])) !== undefined) {
        return { status: 409, body: { message: `network with name ${String(request['Name'])} already exists` } };
      }
      const Id = randomUUID();
      const network = { ...request, Id } as unknown as NetworkInspect;
      this.networks.set(Id, network);
      return { status: 201, body: { Id, Warning: '' } };
    }
    const [, , id = '', action = ''] = path.split('/');
    const network = this.networks.get(id) ?? this.#networkNamed(id);
    if (network === undefined) return { status: 404, body: { message: `network ${id} not found` } };
    const container = this.containers.get(String(request['Container']));
    if (action === 'connect') container?.networks.add(network.Name);
    if (action === 'disconnect') container?.networks.delete(network.Name);
    if (method !== 'DELETE') return { status: 200 };
    const used = [...this.containers.values()].some(
      ({ state, networks }) => state.Running && networks.has(network.Name),
    );
    if (used) return { status: 403, body: { message: `network ${network.Name} has active endpoints` } };
    this.networks.delete(network.Id);
    return { status: 204 };
  }

  #networkNamed(name: string): NetworkInspect | undefined {
    return [...this.networks.values()].find((network) => network.Name === name);
  }

  #rename(container: FakeContainer, name: string): Answer {
    if ([...this.containers.values()].some((other) => other !== container && other.name === name)) {
      return { status: 409, body: { message: `Conflict. The container name "/${name}" is already in use` } };
    }
    container.name = name;
    return { status: 204 };
  }

  #onVolume(method: string, path: string, request: Record<string, unknown>): Answer {
    if (path === '/volumes') return { status: 200, body: { Volumes: [...this.volumes.values()], Warnings: null } };
    if (path === '/volumes/create') {
      const volume = request as unknown as VolumeInspect;
      this.volumes.set(volume.Name, volume);
      return { status: 201, body: volume };
    }
    const name = path.split('/')[2] ?? '';
    const volume = this.volumes.get(name);
    if (volume === undefined) return { status: 404, body: { message: `get ${name}: no such volume` } };
    if (method === 'DELETE') this.volumes.delete(name);
    return method === 'DELETE' ? { status: 204 } : { status: 200, body: volume };
  }
}

/** Of one that is stopped between two runs. */
const endedState = { Status: 'exited', Running: false, Restarting: false } as const;

function createdState(): ContainerState {
  return {
    Status: 'created',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: '0001-01-01T00:00:00Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  };
}

function inspectOf({ id, name, request, state }: FakeContainer): Record<string, unknown> {
  return { Id: id, Name: `/${name}`, State: state, Config: request, RestartCount: 0, Created: '' };
}

function frameOf({ time, stream, text, end }: FakeContainer['log'][number]): Buffer {
  return encodeFrame(stream, Buffer.from(`${time} ${text}${end}`));
}

/** Compares a stamp of ours with a `since` in Unix seconds or as a stamp. */
function compare(time: string, since: string): number {
  const unix = (Date.parse(time.slice(0, 19) + 'Z') / 1000).toFixed(0) + time.slice(19, 29);
  const other = since.includes('T')
    ? (Date.parse(since.slice(0, 19) + 'Z') / 1000).toFixed(0) + since.slice(19, 29)
    : since;
  return unix === other ? 0 : unix < other ? -1 : 1;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
