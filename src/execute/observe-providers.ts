import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { dockerConfigDir, readDockerConfig } from '../base/docker-config.js';
import { runTool } from '../base/spawn.js';
import type { Project } from '../compose/index.js';
import type { ObservedProvider } from '../plan/index.js';

/** Where the docker CLI looks for plugins beside the user's own folder. */
const pluginFolders = [
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
];
/** A provider that describes itself for longer does not. */
const describeMs = 30_000;

/**
 * The programs that stand for services of a project, and docker's model runner where one uses models, each with what it
 * says of its parameters. A plugin of the docker CLI goes before a program of that name.
 */
export async function observeProviders(
  project: Project,
  signal: AbortSignal,
): Promise<Record<string, ObservedProvider> | undefined> {
  const services = Object.values(project.model.services);
  const types = new Set(services.flatMap(({ provider }) => (provider === undefined ? [] : [provider.type])));
  const all = new Set([...types, ...(services.some(({ models }) => models !== undefined) ? ['model'] : [])]);
  if (all.size === 0) return undefined;
  const found = await Promise.all(
    [...all].map(async (type) => {
      const program = await findProvider(type, project.environment);
      if (program === undefined) return [];
      const actions = types.has(type) ? await describe(program.program, project, signal) : undefined;
      return [[type, { ...program, actions }] as const];
    }),
  );
  return Object.fromEntries(found.flat());
}

async function findProvider(
  type: string,
  environment: Project['environment'],
): Promise<Pick<ObservedProvider, 'program' | 'isPlugin'> | undefined> {
  if (type === '' || type.includes('/')) return undefined;
  const { members } = readDockerConfig(environment);
  const extra = members['cliPluginsExtraDirs'];
  const more = Array.isArray(extra) ? extra.filter((folder) => typeof folder === 'string') : [];
  const folders = [...more, join(dockerConfigDir(environment), 'cli-plugins'), ...pluginFolders];
  const plugin = await firstExecutable(folders, `docker-${type}`);
  if (plugin !== undefined) return { program: plugin, isPlugin: true };
  const program = await firstExecutable((environment['PATH'] ?? '').split(delimiter), type);
  return program === undefined ? undefined : { program, isPlugin: false };
}

async function firstExecutable(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders.filter((text) => text !== '')) {
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // not there, or not to be run
    }
  }
  return undefined;
}

/** Undefined for a provider that knows no `metadata`, and for one that says nothing in it. */
async function describe(
  program: string,
  { workingDir: cwd, environment: env }: Project,
  signal: AbortSignal,
): Promise<ObservedProvider['actions']> {
  try {
    const { stdout } = await runTool(program, ['compose', 'metadata'], { signal, timeoutMs: describeMs, cwd, env });
    return actionsOf(JSON.parse(stdout));
  } catch {
    signal.throwIfAborted();
    return undefined; // it need not know the command
  }
}

function actionsOf(said: unknown): ObservedProvider['actions'] {
  if (!isObject(said)) return undefined;
  const actions = (['up', 'down', 'stop'] as const).flatMap((action) => {
    const described = said[action];
    if (!isObject(described)) return [];
    const { parameters } = described;
    return [[action, Array.isArray(parameters) ? parameters.flatMap(parameterOf) : []] as const];
  });
  return actions.length === 0 && said['description'] === undefined ? undefined : Object.fromEntries(actions);
}

function parameterOf(said: unknown): { readonly name: string; readonly required: boolean }[] {
  if (!isObject(said) || typeof said['name'] !== 'string') return [];
  return [{ name: said['name'], required: said['required'] === true }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
