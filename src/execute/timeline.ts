import type { Operation, PlanStep } from '../plan/index.js';
import type { StepRun } from './execute-plan.js';

/** `probe`: of a wait, the part until the first health probe had ended. */
export type TimelinePhase = 'pull' | 'build' | 'create' | 'start' | 'probe' | 'wait' | 'stop' | 'other';

/** One step as a stretch of time; milliseconds since the first step began. */
export interface TimelineBar {
  readonly phase: TimelinePhase;
  /** `create`, `start`, `healthy`: what ended with it. */
  readonly label: string;
  readonly beginMs: number;
  readonly endMs: number;
  readonly failed: boolean;
  /** Nothing would have been sooner ready had only other steps been quicker. */
  readonly critical: boolean;
}

/** What was done to one thing. */
export interface TimelineRow {
  /** `Container demo-web-1`, `Image busybox` */
  readonly subject: string;
  readonly bars: readonly TimelineBar[];
}

/**
 * When each step of a command's plans ran, and the critical path through them: from the step that ended last, always
 * back to that one of its predecessors that ended last.
 */
export class Timeline {
  /** Plans come one after the other. */
  readonly #rounds: StepRun[][] = [];
  /** By container: from its start to the end of its first health probe, milliseconds. */
  readonly #firstProbes = new Map<string, number>();

  /** A new plan: its steps come after all of the one before. */
  begin(): void {
    this.#rounds.push([]);
  }

  add(run: StepRun): void {
    this.#rounds.at(-1)?.push(run);
  }

  /** Containers that something waited for. */
  waitedFor(): string[] {
    return this.#rounds
      .flat()
      .flatMap(({ step: { operation } }) =>
        operation.kind === 'container.wait' ? operation.containers.map(({ name }) => name) : [],
      );
  }

  noteFirstProbe(container: string, afterStartMs: number): void {
    this.#firstProbes.set(container, afterStartMs);
  }

  get totalMs(): number {
    const runs = this.#rounds.flat();
    return runs.length === 0 ? 0 : Math.max(...runs.map(({ endMs }) => endMs)) - this.#beginMs;
  }

  get #beginMs(): number {
    return Math.min(...this.#rounds.flat().map(({ beginMs }) => beginMs));
  }

  /** In the order of their first steps. */
  rows(): TimelineRow[] {
    const path = new Set(this.criticalPath());
    const origin = this.#beginMs;
    const rows = new Map<string, TimelineBar[]>();
    const runs = this.#rounds.flat().sort((a, b) => a.beginMs - b.beginMs);
    for (const run of runs) {
      const { operation } = run.step;
      for (const subject of subjectsOf(operation)) {
        const bars = rows.get(subject) ?? [];
        rows.set(subject, bars);
        const probe = this.#probeBar(run, subject, bars, origin);
        if (probe !== undefined) bars.push(probe);
        bars.push({
          ...phaseOf(operation),
          beginMs: run.beginMs - origin,
          endMs: run.endMs - origin,
          failed: run.failed,
          critical: path.has(run),
        });
      }
    }
    return [...rows].map(([subject, bars]) => ({ subject, bars }));
  }

  /** Within a wait; undefined when it was over by then, or nobody knows. */
  #probeBar(
    { step, beginMs, endMs }: StepRun,
    subject: string,
    before: readonly TimelineBar[],
    origin: number,
  ): TimelineBar | undefined {
    const afterStartMs = this.#firstProbes.get(subject.replace(/^Container /, ''));
    const start = before.findLast(({ phase }) => phase === 'start');
    if (step.operation.kind !== 'container.wait' || afterStartMs === undefined || start === undefined) return undefined;
    const [begin, end] = [beginMs - origin, Math.min(endMs - origin, start.endMs + afterStartMs)];
    if (end <= begin || before.some(({ phase }) => phase === 'probe')) return undefined;
    return { phase: 'probe', label: 'first probe', beginMs: begin, endMs: end, failed: false, critical: false };
  }

  /** First step first; empty when nothing was done. */
  criticalPath(): StepRun[] {
    const path: StepRun[] = [];
    for (const runs of this.#rounds.toReversed()) {
      const byId = new Map(runs.map((run) => [run.step.id, run]));
      let current = latest(runs);
      while (current !== undefined) {
        path.push(current);
        current = latest(predecessors(current.step, byId));
      }
    }
    return path.reverse();
  }
}

function latest(runs: readonly StepRun[]): StepRun | undefined {
  return runs.reduce<StepRun | undefined>(
    (best, run) => (best === undefined || run.endMs > best.endMs ? run : best),
    undefined,
  );
}

function predecessors({ after }: PlanStep, byId: ReadonlyMap<number, StepRun>): StepRun[] {
  return after.flatMap((id) => byId.get(id) ?? []);
}

function subjectsOf(operation: Operation): string[] {
  switch (operation.kind) {
    case 'image.pull':
    case 'image.build':
    case 'image.push':
    case 'image.remove':
      return [`Image ${operation.image}`];
    case 'network.create':
    case 'network.remove':
      return [`Network ${operation.network}`];
    case 'volume.create':
    case 'volume.remove':
      return [`Volume ${operation.volume}`];
    case 'provider.run':
      return [`Service ${operation.service}`];
    case 'model.provide':
      return [`Model ${operation.key}`];
    case 'container.create':
      return [`Container ${operation.finalName}`];
    case 'container.rename':
      return [`Container ${operation.newName}`];
    case 'container.wait':
      return operation.containers.map(({ name }) => `Container ${name}`);
    default:
      return [`Container ${operation.container.name}`];
  }
}

function phaseOf(operation: Operation): { phase: TimelinePhase; label: string } {
  const [, verb = ''] = operation.kind.split('.');
  switch (operation.kind) {
    case 'image.pull':
    case 'image.build':
    case 'container.create':
    case 'container.start':
    case 'container.stop':
      return { phase: verb as TimelinePhase, label: verb };
    case 'network.create':
    case 'volume.create':
      return { phase: 'create', label: verb };
    case 'container.wait':
      return { phase: 'wait', label: operation.condition };
    default:
      return { phase: 'other', label: verb };
  }
}
