import { TscomposeError } from '../base/errors.js';
import { renderLocation } from '../base/source-location.js';
import {
  loadProject,
  resolveProjectName,
  selectServices,
  type LoadOptions,
  type OptionalStage,
  type Project,
  type SelectOptions,
} from '../compose/index.js';
import type { CliContext } from './context.js';
import { onDefaultPlatform } from './default-platform.js';
import { placeForm } from './report-error.js';
import { remoteProjects } from './remotes.js';
import { booleanSetting } from './terminal.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'cli/no-such-service': { readonly service: string };
  }
}

/** The project a command works on: its files where they are at hand, its name in any case. */
export interface ProjectTarget {
  readonly name: string;
  /** Undefined when the project is known by name alone. */
  readonly project: Project | undefined;
  /** Enabled and disabled ones; empty without a project. */
  readonly serviceNames: readonly string[];
  /** @throws `cli/no-such-service` for a name the files do not have; without files any name passes */
  readonly checkServices: (names: readonly string[]) => void;
  /** A `COMPOSE_…` setting, from the process or the project's env files. */
  readonly setting: (name: string) => string | undefined;
}

/** Loads the compose files. @throws what is wrong with them; `compose/no-file` where there are none */
export async function requireProject(
  context: CliContext,
  options: {
    readonly without?: readonly OptionalStage[];
    readonly strictVersion?: boolean;
    /** To show it rather than to run it: nothing is filled in for the engine. */
    readonly asWritten?: boolean;
    /** Absent: compose files from elsewhere are those of compose.lock, where there is one. */
    readonly remotes?: 'newest';
  } = {},
): Promise<Project> {
  const { remotes, asWritten = false, ...others } = options;
  const given = loadOptions(context);
  const loaded = await loadProject({
    ...given,
    ...others,
    ...(remotes === undefined ? {} : { remotes: remoteProjects(context, remotes) }),
  });
  const project = asWritten ? loaded : onDefaultPlatform(loaded);
  const old = context.globals.compatibility || booleanSetting(project.environment['COMPOSE_COMPATIBILITY']) === true;
  return old ? { ...project, separator: '_' } : project;
}

/**
 * For commands on containers that exist: `-p` without `-f` goes by the name alone, and where the files do not load a
 * name from `COMPOSE_PROJECT_NAME` is enough.
 */
export async function projectIfPresent(context: CliContext): Promise<ProjectTarget> {
  const { globals, settings } = context;
  if (globals.projectName !== undefined && globals.file.length === 0 && !settings['COMPOSE_FILE']) {
    return byName(await projectName(context), settings);
  }
  try {
    return withFiles(await requireProject(context));
  } catch (error) {
    if (!settings['COMPOSE_PROJECT_NAME'] || !(error instanceof TscomposeError)) throw error;
    return byName(await projectName(context), settings);
  }
}

/** For commands that need no more than the name: flag, variable, then the files. */
export async function projectName(context: CliContext): Promise<string> {
  return await resolveProjectName(loadOptions(context));
}

export function withFiles(project: Project): ProjectTarget {
  const serviceNames = [...Object.keys(project.model.services), ...Object.keys(project.disabledServices)];
  return {
    name: project.name,
    project,
    serviceNames,
    checkServices: (names) => {
      for (const service of names) if (!serviceNames.includes(service)) throw noSuchService(service, serviceNames);
    },
    setting: (name) => project.environment[name],
  };
}

/**
 * The project with services enabled that are named on the command line, whatever their profiles say.
 * @param options - what they need is enabled along, unless left out
 * @throws `compose/undefined-dependency` when that belongs to a profile too
 */
export function enableNamed(
  project: Project,
  names: readonly string[],
  options: SelectOptions = { withDependencies: true },
): Project {
  const enabled = Object.keys(project.model.services);
  if (names.every((name) => enabled.includes(name))) return project;
  return selectServices(project, [...enabled, ...names], options);
}

function byName(name: string, environment: Readonly<Record<string, string | undefined>>): ProjectTarget {
  return {
    name,
    project: undefined,
    serviceNames: [],
    checkServices: () => undefined,
    setting: (variable) => environment[variable],
  };
}

/** What loading takes from the command line, for those who want less than the project. */
export function loadOptions(context: CliContext): LoadOptions {
  const { globals, terminal } = context;
  return {
    cwd: terminal.cwd,
    environment: terminal.environment,
    files: globals.file,
    envFiles: globals.envFile,
    profiles: globals.profile,
    projectDirectory: globals.projectDirectory,
    projectName: globals.projectName,
    allResources: globals.allResources,
    stdin: async () => (await import('node:stream/consumers')).text(terminal.stdin),
    remotes: remoteProjects(context),
    onWarning: ({ message, at }) => {
      if (globals.errorFormat === 'json') {
        const place = at === undefined ? {} : placeForm(at);
        context.warn(JSON.stringify({ error: false, warning: true, message, ...place }));
        return;
      }
      const place = at === undefined || message.startsWith(at.file) ? '' : `${renderLocation(at)}: `;
      context.warn(`${place}warning: ${message}`);
    },
  };
}

function noSuchService(service: string, known: readonly string[]): TscomposeError {
  return new TscomposeError({
    code: 'cli/no-such-service',
    message: `no such service: ${service}`,
    facts: { service },
    hint: known.length === 0 ? 'the project has no services' : `the project has ${known.join(', ')}`,
  });
}
