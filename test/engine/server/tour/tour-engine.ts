import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineProcess } from '../engine-process.js';
import { normalise } from './normalise.js';
import type { Outcome } from './tour-file.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const rootfsScript = fileURLToPath(new URL('../../../../scripts/busybox-rootfs.sh', import.meta.url));

/** The docker CLI with one engine behind it, and a working folder. */
export class TourEngine implements AsyncDisposable {
  readonly #work = mkdtempSync(join(tmpdir(), 'tour-'));
  readonly #embedded: EngineProcess | undefined;
  readonly #docker: string;
  readonly #host: string;
  #dataRoot = '';

  /** @param peer - address of a dockerd with nothing on it; without it an embedded engine is started */
  constructor(docker: string, peer?: string) {
    this.#docker = docker;
    this.#embedded = peer === undefined ? new EngineProcess() : undefined;
    this.#host = peer ?? this.#embedded?.host ?? '';
  }

  async open(): Promise<void> {
    mkdirSync(join(this.#work, 'bin'));
    mkdirSync(join(this.#work, 'config'));
    mkdirSync(join(this.#work, 'here'));
    const program = execFileSync('sh', ['-c', 'command -v -- "$1"', 'sh', this.#docker], { encoding: 'utf8' });
    symlinkSync(program.trim(), join(this.#work, 'bin/docker'));
    symlinkSync(join(here, 'in-terminal.sh'), join(this.#work, 'bin/in-terminal'));
    await this.#embedded?.start();
    const archive = join(this.#work, 'busybox.tar');
    execFileSync('sh', [rootfsScript, archive]);
    const made = await this.#sh(
      `docker import -c 'CMD ["sh"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' ${archive} busybox`,
    );
    if (made.exitCode !== 0) throw new Error(`cannot import busybox: ${made.stderr}`);
    this.#dataRoot = (await this.#sh(`docker info --format '{{.DockerRootDir}}'`)).stdout.trim();
  }

  /** Runs a line of shell and gives how it ended, normalised. */
  async run(command: string): Promise<Outcome> {
    return normalise(await this.#sh(command), {
      [join(this.#work, 'here')]: '<here>',
      [this.#dataRoot]: '<root>',
      [this.#host]: '<host>',
    });
  }

  #sh(command: string): Promise<Outcome> {
    const env = {
      PATH: `${join(this.#work, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: this.#work,
      TZ: 'UTC',
      LC_ALL: 'C',
      DOCKER_HOST: this.#host,
      DOCKER_CONFIG: join(this.#work, 'config'),
      DOCKER_CLI_HINTS: 'false',
      // The newest version that the dockerd speaks whose answers are written down.
      DOCKER_API_VERSION: '1.45',
    };
    const options = { cwd: join(this.#work, 'here'), env, timeout: 60_000, maxBuffer: 16 << 20 };
    return new Promise((resolve) => {
      const child = execFile('sh', ['-c', command], options, (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 128), stdout, stderr });
      });
      child.stdin?.end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sh('docker ps -aq | xargs -r docker rm -fv; docker system prune -af --volumes');
    await this.#embedded?.[Symbol.asyncDispose]();
    rmSync(this.#work, { recursive: true, force: true });
  }
}
