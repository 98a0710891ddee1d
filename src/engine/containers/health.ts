import type { HealthConfig, HealthLogEntry, HealthState, HealthStatus } from '../../api/container.js';
import { messageOf } from '../../base/errors.js';
import { isAlive, processStartTime, sendSignal } from '../sys/index.js';
import type { Container } from './container.js';
import { composeProcess } from './exec.js';
import { bundleOf, publish, type Room } from './room.js';
import { nowNs, parseTime, renderTime } from './time.js';

const defaults = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5_000, retries: 3 };
const maxOutputBytes = 4096;
const maxEntries = 5;

export interface HealthPlan {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** Undefined where nothing is checked. Times on the wire are nanoseconds; 0 is the default. */
export function planHealth(check: HealthConfig | null | undefined, shell: readonly string[]): HealthPlan | undefined {
  const [kind = '', ...words] = check?.Test ?? [];
  const command = kind === 'CMD-SHELL' ? [...shell, words[0] ?? ''] : kind === 'CMD' ? words : [];
  if (check == null || command.length === 0) return undefined;
  const ms = (ns: number | undefined, other: number) => (ns === undefined || ns <= 0 ? other : ns / 1e6);
  return {
    command,
    intervalMs: ms(check.Interval, defaults.intervalMs),
    timeoutMs: ms(check.Timeout, defaults.timeoutMs),
    startPeriodMs: ms(check.StartPeriod, 0),
    startIntervalMs: ms(check.StartInterval, defaults.startIntervalMs),
    retries: check.Retries === undefined || check.Retries <= 0 ? defaults.retries : check.Retries,
  };
}

export interface HealthMonitor {
  readonly state: HealthState;
  stop(): void;
}

/** Begins to check a container that has just been started or adopted, when its configuration says so. */
export function startHealthChecks(room: Room, container: Container): void {
  const { config } = container.record;
  const plan = planHealth(config.Healthcheck, config.Shell ?? ['/bin/sh', '-c']);
  container.health?.stop();
  container.health = plan === undefined ? undefined : new Checker(room, container, plan);
}

class Checker implements HealthMonitor {
  state: HealthState;
  readonly #room: Room;
  readonly #container: Container;
  readonly #plan: HealthPlan;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(room: Room, container: Container, plan: HealthPlan) {
    this.#room = room;
    this.#container = container;
    this.#plan = plan;
    this.state = { Status: container.state.health ?? 'starting', FailingStreak: 0, Log: [] };
    this.#schedule();
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    const { startIntervalMs, intervalMs } = this.#plan;
    const waitMs = this.#isInStartPeriod() ? Math.min(startIntervalMs, intervalMs) : intervalMs;
    this.#timer = setTimeout(() => {
      void this.#check();
    }, waitMs);
  }

  /** Failures do not count yet; it ends early with the first success. */
  #isInStartPeriod(): boolean {
    if (this.state.Status !== 'starting') return false;
    const startedNs = parseTime(this.#container.state.startedAt) ?? nowNs();
    return Number((nowNs() - startedNs) / 1_000_000n) < this.#plan.startPeriodMs;
  }

  async #check(): Promise<void> {
    if (this.#container.state.status === 'paused') {
      this.#schedule();
      return;
    }
    const start = renderTime(nowNs());
    const result = await this.#run();
    if (this.#stopped.signal.aborted) return;
    this.#take({ ...result, Start: start, End: renderTime(nowNs()) });
    this.#schedule();
  }

  #take(entry: HealthLogEntry): void {
    const { Status, FailingStreak, Log } = this.state;
    const healthy = entry.ExitCode === 0;
    const streak = healthy ? 0 : this.#isInStartPeriod() ? FailingStreak : FailingStreak + 1;
    const next: HealthStatus = healthy ? 'healthy' : streak >= this.#plan.retries ? 'unhealthy' : Status;
    this.state = { Status: next, FailingStreak: streak, Log: [...Log, entry].slice(-maxEntries) };
    if (next === Status) return;
    publish(this.#room, this.#container, `health_status: ${next}`);
    this.#container
      .exclusive(async () => {
        if (this.#stopped.signal.aborted || !this.#container.isLive) return;
        await this.#container.change({ state: { ...this.#container.state, health: next } });
      })
      .catch((error: unknown) => {
        this.#room.log.warn('cannot write down the health of a container', { containerId: this.#container.id, error });
      });
  }

  /** Never rejects: a check that cannot run is a failed check. */
  async #run(): Promise<Pick<HealthLogEntry, 'ExitCode' | 'Output'>> {
    const room = this.#room;
    const container = this.#container;
    try {
      const process = await room.oci.exec(
        {
          containerId: container.id,
          process: composeProcess(room, container, { Cmd: [...this.#plan.command] }, undefined),
          stdin: false,
          dir: bundleOf(room, container.id),
        },
        this.#stopped.signal,
      );
      const output = new Output();
      process.stdout.on('data', output.push).on('error', () => undefined);
      process.stderr?.on('data', output.push).on('error', () => undefined);
      const late = new AbortController();
      const timer = setTimeout(() => {
        late.abort();
        kill(process.pid());
      }, this.#plan.timeoutMs);
      const outcome = await process.ended;
      clearTimeout(timer);
      if (late.signal.aborted) {
        const text = `Health check exceeded timeout (${this.#plan.timeoutMs / 1000}s): ${output.text()}`;
        return { ExitCode: -1, Output: text };
      }
      if (outcome.kind === 'failed') return { ExitCode: -1, Output: outcome.text };
      return { ExitCode: outcome.exitCode, Output: output.text() };
    } catch (error) {
      return { ExitCode: -1, Output: messageOf(error) };
    }
  }
}

function kill(pid: number | undefined): void {
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  if (pid !== undefined && startTime !== undefined && isAlive({ pid, startTime })) sendSignal(pid, 'SIGKILL');
}

/** The beginning of what a check says. */
class Output {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  readonly push = (chunk: Buffer): void => {
    if (this.#bytes < maxOutputBytes) this.#chunks.push(chunk.subarray(0, maxOutputBytes - this.#bytes));
    this.#bytes += chunk.length;
  };

  text(): string {
    const text = Buffer.concat(this.#chunks).toString();
    return this.#bytes > maxOutputBytes ? `${text}...` : text;
  }
}
