import type { HealthConfig, HealthLogEntry, HealthState, HealthStatus } from '../../api/container.js';
import { messageOf } from '../../base/errors.js';
import { timerMs } from '../../base/timer.js';
import { type NativeProbe, readNativeProbe } from '../../base/native-probe.js';
import type { Container, HealthMonitor } from './container.js';
import { runCheck } from './health-command.js';
import { LogWatch } from './log-watch.js';
import { runProbe } from './native-probe.js';
import { publish, type Room } from './room.js';
import { nowNs, parseTime, renderTime } from './time.js';

const defaults = { intervalMs: 30_000, timeoutMs: 30_000, startIntervalMs: 5_000, retries: 3 };
const maxEntries = 5;
/** A native probe costs next to nothing: this soon after the first one comes the second, then ever later. */
const firstPauseMs = 25;

/** What finds out how a container is. */
export type HealthCheck =
  | { readonly kind: 'command'; readonly command: readonly string[] }
  | { readonly kind: 'native'; readonly probe: NativeProbe };

export interface HealthPlan {
  readonly check: HealthCheck;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** Undefined where nothing is checked. Times on the wire are nanoseconds; 0 is the default. */
export function planHealth(config: HealthConfig | null | undefined, shell: readonly string[]): HealthPlan | undefined {
  const check = checkOf(config?.Test ?? [], shell);
  if (config == null || check === undefined) return undefined;
  const ms = (ns: number | undefined, other: number) =>
    ns === undefined || ns <= 0 ? other : timerMs(Math.ceil(ns / 1e6));
  return {
    check,
    intervalMs: ms(config.Interval, defaults.intervalMs),
    timeoutMs: ms(config.Timeout, defaults.timeoutMs),
    startPeriodMs: ms(config.StartPeriod, 0),
    startIntervalMs: ms(config.StartInterval, defaults.startIntervalMs),
    retries: config.Retries === undefined || config.Retries <= 0 ? defaults.retries : config.Retries,
  };
}

/** A native one that makes no sense has been refused when the container was created. */
function checkOf(test: readonly string[], shell: readonly string[]): HealthCheck | undefined {
  const [kind = '', ...words] = test;
  const native = readNativeProbe(test);
  if (native?.kind === 'native') return { kind: 'native', probe: native.probe };
  const command = kind === 'CMD-SHELL' ? [...shell, words[0] ?? ''] : kind === 'CMD' ? words : [];
  return command.length === 0 ? undefined : { kind: 'command', command };
}

/** Begins to check a container that has just been started or adopted, when its configuration says so. */
export function startHealthChecks(room: Room, container: Container): void {
  const { config } = container.record;
  const plan = planHealth(config.Healthcheck, config.Shell ?? ['/bin/sh', '-c']);
  container.health?.stop();
  container.health = plan === undefined ? undefined : new Checker(room, container, plan);
}

/**
 * Looks at a container again and again. A command comes first after one interval, as dockerd's does. A native probe comes
 * at once and, until the first success, again after ever longer pauses up to the interval; its failures count once an
 * interval, so that a container is given up no sooner than with a command.
 */
class Checker implements HealthMonitor {
  state: HealthState;
  healthyForMs = 0;
  #healthySinceMs = performance.now();
  readonly #room: Room;
  readonly #container: Container;
  readonly #plan: HealthPlan;
  readonly #stopped = new AbortController();
  readonly #watch: LogWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pauseMs = firstPauseMs;
  #countedMs = performance.now();
  #checking = false;

  constructor(room: Room, container: Container, plan: HealthPlan) {
    this.#room = room;
    this.#container = container;
    this.#plan = plan;
    this.state = { Status: container.state.health ?? 'starting', FailingStreak: 0, Log: [] };
    const { check } = plan;
    if (check.kind === 'native' && check.probe.kind === 'LOG' && this.state.Status !== 'healthy') {
      this.#watch = new LogWatch(room, container, check.probe.pattern, this.#stopped.signal);
      void this.#watch.settled.then(() => this.#checkNow());
    }
    this.#schedule(check.kind === 'native' && this.state.Status === 'starting' ? 0 : this.#waitMs());
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  #schedule(waitMs: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped.signal.aborted || this.#isSettled()) return;
    this.#timer = setTimeout(() => void this.#checkNow(), waitMs);
  }

  /** What the log said cannot be unsaid in this run. */
  #isSettled(): boolean {
    const { check } = this.#plan;
    return check.kind === 'native' && check.probe.kind === 'LOG' && this.state.Status === 'healthy';
  }

  #waitMs(): number {
    const { startIntervalMs, intervalMs, check } = this.#plan;
    const waitMs = this.#isInStartPeriod() ? Math.min(startIntervalMs, intervalMs) : intervalMs;
    if (check.kind === 'command' || this.state.Status !== 'starting') return waitMs;
    const untilItCountsMs = this.#countedMs + intervalMs - performance.now();
    const pauseMs = Math.min(this.#pauseMs, waitMs, Math.max(untilItCountsMs, 1));
    this.#pauseMs *= 2;
    return pauseMs;
  }

  /** Failures do not count yet; it ends early with the first success. */
  #isInStartPeriod(): boolean {
    if (this.state.Status !== 'starting') return false;
    const startedNs = parseTime(this.#container.state.startedAt) ?? nowNs();
    return Number((nowNs() - startedNs) / 1_000_000n) < this.#plan.startPeriodMs;
  }

  async #checkNow(): Promise<void> {
    if (this.#checking || this.#stopped.signal.aborted) return;
    if (this.#container.state.status !== 'paused') {
      this.#checking = true;
      const start = renderTime(nowNs());
      const result = await this.#run();
      this.#checking = false;
      this.#take({ ...result, Start: start, End: renderTime(nowNs()) });
    }
    this.#schedule(this.#waitMs());
  }

  #take(entry: HealthLogEntry): void {
    if (this.#stopped.signal.aborted) return;
    const { Status, FailingStreak, Log } = this.state;
    const healthy = entry.ExitCode === 0;
    const streak = healthy ? 0 : this.#counts() ? FailingStreak + 1 : FailingStreak;
    const next: HealthStatus = healthy ? 'healthy' : streak >= this.#plan.retries ? 'unhealthy' : Status;
    this.state = { Status: next, FailingStreak: streak, Log: [...Log, entry].slice(-maxEntries) };
    if (next === Status) return;
    if (next === 'healthy') this.#healthySinceMs = performance.now();
    else if (Status === 'healthy') this.healthyForMs = performance.now() - this.#healthySinceMs;
    publish(this.#room, this.#container, `health_status: ${next}`);
    this.#container
      .exclusive(async () => {
        if (this.#stopped.signal.aborted || !this.#container.isLive) return;
        await this.#container.note({ state: { ...this.#container.state, health: next } });
      })
      .catch((error: unknown) => {
        this.#room.log.warn('cannot write down the health of a container', { containerId: this.#container.id, error });
      });
  }

  /** Whether a failure now is one more in a row. */
  #counts(): boolean {
    const now = performance.now();
    if (this.#plan.check.kind === 'native' && this.state.Status === 'starting') {
      if (now - this.#countedMs < this.#plan.intervalMs - 1) return false;
    }
    this.#countedMs = now;
    return !this.#isInStartPeriod();
  }

  /** Never rejects: a check that cannot run is a failed check. */
  async #run(): Promise<Pick<HealthLogEntry, 'ExitCode' | 'Output'>> {
    const { check, timeoutMs } = this.#plan;
    const [room, container, signal] = [this.#room, this.#container, this.#stopped.signal];
    try {
      if (check.kind === 'command')
        return await runCheck(room, container, { command: check.command, timeoutMs }, signal);
      if (this.#watch !== undefined) return this.#watch.result();
      return await runProbe(container, check.probe, { timeoutMs, signal });
    } catch (error) {
      return { ExitCode: -1, Output: messageOf(error) };
    }
  }
}
