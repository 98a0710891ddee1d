import { readFileSync, statSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';
import { errnoOf, TscomposeError } from '../base/errors.js';
import { ignoreNothing, parseIgnore, type IgnoreRules } from '../base/ignore-rules.js';
import type { Project, Service, ServiceHook } from '../compose/index.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'watch/bad-rule': { readonly service: string; readonly index: number };
    'watch/nothing-to-watch': { readonly services: readonly string[] };
  }
}

export type WatchAction = 'sync' | 'rebuild' | 'restart' | 'sync+restart' | 'sync+exec';

/** One entry of `develop.watch`, ready to be asked about paths. */
export interface WatchRule {
  readonly service: string;
  readonly action: WatchAction;
  /** Absolute: a folder, or a single file. */
  readonly path: string;
  /** Absolute path in the container; of actions that sync. */
  readonly target: string | undefined;
  readonly exec: ServiceHook | undefined;
  /** Whether everything is copied once at the start. */
  readonly initialSync: boolean;
  /** Path below `path` (empty for itself), or undefined for one that this rule leaves alone. */
  readonly inside: (absolute: string) => string | undefined;
  /** Whether nothing below a folder can matter. */
  readonly prunes: (absolute: string) => boolean;
}

const actions: readonly WatchAction[] = ['sync', 'rebuild', 'restart', 'sync+restart', 'sync+exec'];

/** What editors and version control leave beside the files people mean. */
const temporary = parseIgnore(
  [
    '.git',
    '**/.git',
    '**/*~',
    '**/.#*',
    '**/#*#',
    '**/*.sw[a-z]',
    '**/4913',
    '**/.*.kate-swp',
    '**/*___jb_*',
    '**/.goutputstream-*',
  ].join('\n'),
);

/**
 * Rules of the services, in the order of the file.
 * @throws `watch/bad-rule`, `watch/nothing-to-watch`
 */
export function watchRules(project: Project, services: readonly string[]): WatchRule[] {
  const rules = services.flatMap((service) => {
    const definition = project.model.services[service];
    return (definition?.develop?.watch ?? []).map((entry, index) =>
      readRule(project, service, definition ?? {}, entry, index),
    );
  });
  if (rules.length > 0) return rules;
  throw new TscomposeError({
    code: 'watch/nothing-to-watch',
    message: `none of the selected services is configured for watch, consider setting a "develop" section`,
    facts: { services },
  });
}

function readRule(
  project: Project,
  service: string,
  definition: Service,
  entry: Readonly<Record<string, unknown>>,
  index: number,
): WatchRule {
  const bad = (why: string): TscomposeError =>
    new TscomposeError({
      code: 'watch/bad-rule',
      message: `service "${service}" has a watch rule that cannot be followed: ${why}`,
      facts: { service, index },
      at: project.locate(['services', service, 'develop', 'watch', index]),
    });
  const action = actions.find((known) => known === entry['action']);
  if (action === undefined) throw bad(`its action is none of ${actions.join(', ')}`);
  if (typeof entry['path'] !== 'string' || entry['path'] === '') throw bad('it has no path');
  const path = resolve(entry['path']);
  const target = typeof entry['target'] === 'string' && entry['target'] !== '' ? entry['target'] : undefined;
  const syncs = action.startsWith('sync');
  if (syncs && target === undefined) throw bad(`action ${action} needs a target`);
  if (action === 'rebuild' && definition.build === undefined) throw bad('the service has no build section');
  const exec = action === 'sync+exec' ? (entry['exec'] as ServiceHook | undefined) : undefined; // checked by the schema
  if (action === 'sync+exec' && (exec?.command ?? []).length === 0) throw bad('action sync+exec needs exec.command');
  const filter = pathFilter(path, definition.build?.context, texts(entry['ignore']), texts(entry['include']));
  return {
    service,
    action,
    path,
    target: syncs ? posix.resolve('/', definition.working_dir ?? '/', target ?? '') : undefined,
    exec,
    initialSync: entry['initial_sync'] === true && syncs,
    ...filter,
  };
}

function pathFilter(
  path: string,
  context: string | undefined,
  ignored: readonly string[],
  included: readonly string[],
): Pick<WatchRule, 'inside' | 'prunes'> {
  const own = parseIgnore(ignored.join('\n'));
  const wanted = included.length === 0 ? undefined : parseIgnore(included.join('\n'));
  const docker = context === undefined ? ignoreNothing : dockerIgnore(context);
  // Both are normal already, and node:path's `relative` takes most of the time of a burst.
  const below = (root: string, absolute: string): string | undefined => {
    if (absolute === root) return '';
    return absolute.startsWith(root) && absolute[root.length] === '/' ? absolute.slice(root.length + 1) : undefined;
  };
  const ignores = (absolute: string, inside: string): boolean => {
    const inContext = context === undefined ? undefined : below(context, absolute);
    if (inContext !== undefined && inContext !== '' && docker.ignores(inContext)) return true;
    return inside !== '' && (own.ignores(inside) || temporary.ignores(inside));
  };
  return {
    inside: (absolute) => {
      const inside = below(path, absolute);
      if (inside === undefined || ignores(absolute, inside)) return undefined;
      return inside === '' || wanted === undefined || wanted.ignores(inside) ? inside : undefined;
    },
    prunes: (absolute) => {
      const inside = below(path, absolute);
      if (inside === undefined || inside === '') return false;
      if (temporary.ignores(inside)) return true;
      if (own.ignores(inside) && own.prunes(inside)) return true;
      const inContext = context === undefined ? undefined : below(context, absolute);
      return inContext !== undefined && inContext !== '' && docker.ignores(inContext) && docker.prunes(inContext);
    },
  };
}

/** Rules of the build context: what is not in the image need not be watched. */
function dockerIgnore(context: string): IgnoreRules {
  if (statSync(context, { throwIfNoEntry: false })?.isDirectory() !== true) return ignoreNothing;
  try {
    return parseIgnore(readFileSync(join(context, '.dockerignore'), 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return ignoreNothing;
    throw error;
  }
}

function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.filter((item) => typeof item === 'string');
}
