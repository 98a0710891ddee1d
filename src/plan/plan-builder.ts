import type { SourceLocation } from '../base/source-location.js';
import type { FactsOf, OperationKind, OperationOf, Plan, PlanStep, PlanWarning } from './operation.js';

/** Collects the steps of one plan. A step can only come after steps added before it. */
export class PlanBuilder {
  readonly #project: string;
  readonly #steps: PlanStep[] = [];
  readonly #warnings: PlanWarning[] = [];
  readonly #unchanged: Plan['unchanged'][number][] = [];
  readonly #outdated: string[] = [];
  #first: readonly number[] = [];

  constructor(project: string) {
    this.#project = project;
  }

  /** The id that the next step gets. */
  get nextId(): number {
    return this.#steps.length + 1;
  }

  /** All steps from now on come after these, directly or not. */
  standOn(steps: Iterable<number>): void {
    this.#first = [...steps];
  }

  /** @returns the step's id */
  add<K extends OperationKind>(kind: K, cause: string, facts: FactsOf<K>, after: Iterable<number> = []): number {
    const operation: OperationOf<K> = { kind, cause, ...facts };
    const id = this.nextId;
    const named = [...new Set(after)].sort((a, b) => a - b);
    const before = named.every((one) => this.#first.includes(one)) ? this.#first : named;
    this.#steps.push({ id, operation: operation as PlanStep['operation'], after: before });
    return id;
  }

  warn(subject: string, message: string, at?: SourceLocation): void {
    this.#warnings.push({ subject, message, ...(at === undefined ? {} : { at }) });
  }

  keep(container: Plan['unchanged'][number]): void {
    this.#unchanged.push(container);
  }

  /** A volume that could be replaced. */
  offer(volume: string): void {
    this.#outdated.push(volume);
  }

  build(again?: Plan['again']): Plan {
    return {
      project: this.#project,
      steps: this.#steps,
      warnings: this.#warnings,
      unchanged: this.#unchanged,
      outdatedVolumes: this.#outdated,
      again,
    };
  }
}
