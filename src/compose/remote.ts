import { sep } from 'node:path';
import { isFailure, messageOf, TscomposeError } from '../base/errors.js';
import type { Node } from './node.js';
import type { Problems } from './problems.js';
import { locationOf } from './source-text.js';

/** Compose files that were elsewhere, on this machine. */
export interface RemoteProject {
  /** Absolute; the first is the main one, the others lie over it. */
  readonly files: readonly string[];
  /** The folder they and all they refer to are in; absolute. */
  readonly root: string;
  /** What messages call a file below the root. */
  nameOf(file: string): string;
}

/** Brings compose files from elsewhere; the loader knows nothing of where that is. */
export interface RemoteProjects {
  /** Whether a text where a path may stand names something elsewhere. */
  accepts(reference: string): boolean;
  /** @throws TscomposeError */
  fetch(reference: string): Promise<RemoteProject>;
}

type Outcome = RemoteProject | { readonly failure: TscomposeError };

/**
 * The remote projects of one load. Stages are pure and do not wait: what they miss they ask for, and when the load is
 * over all that was asked for is fetched at once and the load is made again.
 */
export class RemoteShelf {
  readonly #source: RemoteProjects | undefined;
  readonly #fetched = new Map<string, Outcome>();
  readonly #wanted = new Set<string>();

  constructor(source: RemoteProjects | undefined) {
    this.#source = source;
  }

  accepts(reference: string): boolean {
    return this.#source?.accepts(reference) === true;
  }

  /**
   * @param from - where the reference stands, for the message when it cannot be had
   * @returns undefined when it is not here (yet)
   */
  find(reference: string, problems: Problems, from: Node): RemoteProject | undefined {
    const outcome = this.#fetched.get(reference);
    if (outcome === undefined) this.#wanted.add(reference);
    else if ('failure' in outcome) problems.keep(placed(outcome.failure, from));
    else return outcome;
    return undefined;
  }

  /** Fetches at once. @throws TscomposeError */
  async fetch(reference: string): Promise<RemoteProject> {
    const outcome = this.#fetched.get(reference) ?? (await this.#fetchOne(reference));
    if ('failure' in outcome) throw outcome.failure;
    return outcome;
  }

  /** @returns false when a load has asked for nothing that was not here */
  async fetchWanted(): Promise<boolean> {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    await Promise.all(wanted.map((reference) => this.#fetchOne(reference)));
    return wanted.length > 0;
  }

  get references(): readonly string[] {
    return [...this.#fetched.keys()];
  }

  /** A file as messages call it. */
  nameOf(file: string): string {
    for (const project of this.#fetched.values()) {
      if ('root' in project && file.startsWith(project.root + sep)) return project.nameOf(file);
    }
    return file;
  }

  async #fetchOne(reference: string): Promise<Outcome> {
    const outcome = await this.#tryToFetch(reference);
    this.#fetched.set(reference, outcome);
    return outcome;
  }

  async #tryToFetch(reference: string): Promise<Outcome> {
    if (this.#source === undefined) throw new Error('bug: nobody fetches remote projects');
    try {
      return await this.#source.fetch(reference);
    } catch (error) {
      if (isFailure(error)) return { failure: error };
      throw error;
    }
  }
}

/** The same failure at the place that led to it. */
function placed(failure: TscomposeError, from: Node): TscomposeError {
  const at = failure.at ?? locationOf(from.at);
  const { code, facts, hint, cause } = failure;
  return new TscomposeError({ code, message: messageOf(failure), facts, hint, cause, at });
}
