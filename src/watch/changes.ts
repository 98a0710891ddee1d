import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { ServiceHook } from '../compose/index.js';
import { look } from './look.js';
import type { WatchRule } from './rules.js';

/** A file here and where it belongs in the container. */
export interface SyncFile {
  /** Absolute, here. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly target: string;
}

/** What a batch of changes means for one service. */
export interface ServiceChanges {
  readonly service: string;
  /** Everything else is moot when it is rebuilt. */
  readonly rebuild: boolean;
  readonly restart: boolean;
  readonly copy: readonly SyncFile[];
  /** Paths in the container. */
  readonly remove: readonly string[];
  readonly exec: readonly ServiceHook[];
  /** Paths here, for people. */
  readonly paths: number;
}

/** Gathers paths that changed, and tells what they come to once they are looked at. */
export class Changes {
  readonly #rules: readonly WatchRule[];
  readonly #paths = new Set<string>();
  /** When the state of a path came to be that was last looked at, by the file system's clock. */
  readonly #taken = new Map<string, number>();

  constructor(rules: readonly WatchRule[]) {
    this.#rules = rules;
  }

  get empty(): boolean {
    return this.#paths.size === 0;
  }

  add(absolute: string): void {
    this.#paths.add(absolute);
  }

  /** Looks at each path gathered, forgets them, and gives what to do, services in the order of their rules. */
  take(): ServiceChanges[] {
    const paths = [...this.#paths].sort();
    this.#paths.clear();
    return this.#serviceChanges((rule) => paths.filter((path) => rule.inside(path) !== undefined));
  }

  /** Whether a path was looked at in the state it has had since then; remembered until `forgetTaken`. */
  wasTaken(path: string, ctimeMs: number): boolean {
    return this.#paths.has(path) || this.#taken.get(path) === ctimeMs;
  }

  forgetTaken(): void {
    this.#taken.clear();
  }

  /** All files of the rules that want an initial sync. */
  initial(): ServiceChanges[] {
    return this.#serviceChanges((rule) => (rule.initialSync ? filesBelow(rule.path, rule) : []));
  }

  #serviceChanges(pathsOf: (rule: WatchRule) => readonly string[]): ServiceChanges[] {
    const services = [...new Set(this.#rules.map(({ service }) => service))];
    return services.flatMap((service) => {
      const found = this.#rules
        .filter((rule) => rule.service === service)
        .map((rule) => ({ rule, paths: pathsOf(rule) }))
        .filter(({ paths }) => paths.length > 0);
      if (found.length === 0) return [];
      const copy = new Map<string, string>();
      const remove = new Set<string>();
      for (const { rule, paths } of found) {
        for (const source of paths) this.#place(rule, source, copy, remove);
      }
      return [
        {
          service,
          rebuild: found.some(({ rule }) => rule.action === 'rebuild'),
          restart: found.some(({ rule }) => rule.action === 'restart' || rule.action === 'sync+restart'),
          copy: [...copy].map(([target, source]) => ({ source, target })),
          remove: topmost(remove),
          exec: found.flatMap(({ rule }) => rule.exec ?? []),
          paths: new Set(found.flatMap(({ paths }) => paths)).size,
        },
      ];
    });
  }

  /** Nothing leaves the target: a path inside the rule's own path has no `..` in it. */
  #place(rule: WatchRule, source: string, copy: Map<string, string>, remove: Set<string>): void {
    const inside = rule.inside(source);
    if (inside === undefined) return;
    const stats = look(source);
    if (stats !== undefined) this.#taken.set(source, stats.ctimeMs);
    if (rule.target === undefined) return;
    const target = inside === '' ? rule.target : posix.join(rule.target, inside);
    if (stats === undefined) {
      if (inside !== '') remove.add(target);
      return;
    }
    if (stats.isSocket() || (stats.isDirectory() && inside === '')) return;
    copy.set(target, source);
  }
}

/** What is gone with its folder is not named again. */
function topmost(paths: ReadonlySet<string>): string[] {
  const hasGoneFolder = (path: string): boolean => {
    for (let folder = posix.dirname(path); folder !== '/'; folder = posix.dirname(folder)) {
      if (paths.has(folder)) return true;
    }
    return false;
  };
  return [...paths].filter((path) => !hasGoneFolder(path)).sort();
}

function filesBelow(path: string, rule: WatchRule): string[] {
  const stats = look(path);
  if (stats === undefined) return [];
  const own = rule.inside(path) === undefined ? [] : [path];
  if (!stats.isDirectory() || rule.prunes(path)) return own;
  return [...own, ...readdirSync(path).flatMap((name) => filesBelow(join(path, name), rule))];
}
