import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, TscomposeError } from '../../../src/base/errors.js';
import type { EngineClient, OutputChunk } from '../../../src/client/index.js';
import { loadProject, type Project } from '../../../src/compose/index.js';
import { converge, executePlan, observe } from '../../../src/execute/index.js';
import { planDown } from '../../../src/plan/index.js';
import type { Entry } from './entry.js';
import { writeFiles } from '../../support/test-folder.js';

export const image = 'tscompose-conformance:latest';

const soon = () => AbortSignal.timeout(60_000);
const onEvent = () => undefined;
let count = 0;

/** One entry on one engine: brought up from a Compose file by our own loader, planner and executor, and taken down. */
export class Run implements AsyncDisposable {
  readonly client: EngineClient;
  readonly name: string;
  readonly folder = mkdtempSync(join(tmpdir(), 'tscompose-conformance-'));
  readonly #entry: Entry;
  readonly #made: string[] = [];
  #project: Project | undefined;

  constructor(client: EngineClient, entry: Entry) {
    this.client = client;
    this.#entry = entry;
    count += 1;
    this.name = `tscconf${process.pid}n${count}`;
  }

  /** What the entry is about: the output of its script, what its act resolves to, or why the engine refuses. */
  async result(): Promise<string> {
    try {
      return trimmed(await this.#perform());
    } catch (error) {
      if (error instanceof TscomposeError) return `refused: ${messageOf(error)}`;
      throw error;
    }
  }

  async #perform(): Promise<string> {
    const { act, api } = this.#entry;
    if (act !== undefined) return act(this);
    if (api === undefined) {
      await this.up();
      return this.outputOf('check');
    }
    const id = await this.create(api);
    await this.client.containers.start(id, soon());
    return this.ended(id);
  }

  /** Creates a container that runs the script, or what the request says. */
  async create(request: object, name?: string): Promise<string> {
    const { script = '' } = this.#entry;
    const hostConfig = 'HostConfig' in request && typeof request.HostConfig === 'object' ? request.HostConfig : {};
    const whole = {
      Image: image,
      Cmd: ['sh', '-c', script],
      ...request,
      HostConfig: { NetworkMode: 'none', ...hostConfig },
    };
    const { Id } = await this.client.containers.create(whole, name === undefined ? {} : { name }, soon());
    this.#made.push(Id);
    return Id;
  }

  /** Writes the Compose file, brings it up and leaves it running. */
  async up(): Promise<void> {
    await converge(await this.project(), {}, { client: this.client, project: this.#project, signal: soon(), onEvent });
  }

  async project(): Promise<Project> {
    const { service = {}, project: { services = {}, ...others } = {}, script, files = {} } = this.#entry;
    const command = script === undefined ? {} : { command: ['sh', '-c', script.replaceAll('$', '$$$$')] };
    const network = 'networks' in service ? {} : { network_mode: 'none' };
    const model = {
      name: this.name,
      services: { check: { image, ...network, ...command, ...service }, ...(services as object) },
      ...others,
    };
    writeFiles(this.folder, { ...files, 'compose.yaml': JSON.stringify(model) });
    this.#project = await loadProject({
      cwd: this.folder,
      files: ['compose.yaml'],
      environment: { FROM_SHELL: 'shell', CONFORMANCE_SECRET: 'hush-4711-never-shown' },
    });
    return this.#project;
  }

  /** Id of the container of a service. */
  async container(service: string): Promise<string> {
    const filters = { name: [`^/?${this.name}-${service}-1$`] };
    const [found] = await this.client.containers.list({ all: true, filters }, soon());
    if (found === undefined) throw new Error(`no container of ${service}`);
    return found.Id;
  }

  async outputOf(service: string): Promise<string> {
    return await this.ended(await this.container(service));
  }

  /** Waits for the end, and returns what was written. */
  async ended(id: string): Promise<string> {
    await this.client.containers.wait(id, {}, soon());
    return (await this.logs(id)).trimEnd();
  }

  async logs(id: string): Promise<string> {
    return text(this.client.containers.logs(id, {}, soon()));
  }

  /** Runs a command in the container of a service. */
  async exec(service: string, script: string, more: object = {}): Promise<string> {
    return await this.execIn(await this.container(service), script, more);
  }

  async execIn(id: string, script: string, more: object = {}): Promise<string> {
    const request = { Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true, ...more };
    const { Id } = await this.client.exec.create(id, request, soon());
    const { output, input } = await this.client.exec.start(Id, {}, soon());
    input.end();
    return (await text(output)).trimEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#made.reverse()) {
      await this.client.containers.remove(id, { force: true, volumes: true }, soon());
    }
    const project = this.#project;
    if (project !== undefined) {
      const observed = await observe(this.client, project, soon());
      const plan = planDown(observed, project, { projectName: project.name, volumes: true, timeoutS: 0 });
      await executePlan(plan, { client: this.client, project, signal: soon(), onEvent });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Without spaces at the ends of lines. */
function trimmed(output: string): string {
  return output.replace(/[ \r]+$/gm, '').trimEnd();
}

async function text(output: AsyncIterable<OutputChunk>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { payload } of output) pieces.push(payload);
  return Buffer.concat(pieces).toString();
}
