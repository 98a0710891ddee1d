import { TscomposeError } from '../base/errors.js';
import { checkProjectName, loadProject, type Project } from '../compose/index.js';
import type { CliContext } from './context.js';

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
  checkServices(names: readonly string[]): void;
}

/** Loads the compose files. @throws what is wrong with them; `compose/no-file` where there are none */
export async function requireProject(context: CliContext): Promise<Project> {
  const { globals, terminal } = context;
  return await loadProject({
    cwd: terminal.cwd,
    environment: definedOnly(terminal.environment),
    files: globals.file,
    envFiles: globals.envFile,
    profiles: globals.profile,
    ...(globals.projectDirectory === undefined ? {} : { projectDirectory: globals.projectDirectory }),
    ...(globals.projectName === undefined ? {} : { projectName: globals.projectName }),
    stdin: async () => await readAll(terminal.stdin),
    onWarning: ({ message }) => {
      context.warn(message);
    },
  });
}

/**
 * For commands on containers that exist: `-p` without `-f` goes by the name alone, and where the files do not load a
 * name from `COMPOSE_PROJECT_NAME` is enough.
 */
export async function projectIfPresent(context: CliContext): Promise<ProjectTarget> {
  const { globals, terminal } = context;
  if (globals.projectName !== undefined && globals.file.length === 0 && !terminal.environment['COMPOSE_FILE']) {
    return byName(globals.projectName);
  }
  try {
    return withFiles(await requireProject(context));
  } catch (error) {
    const name = terminal.environment['COMPOSE_PROJECT_NAME'];
    if (name && error instanceof TscomposeError) return byName(name);
    throw error;
  }
}

/** For commands that need no more than the name: flag, variable, then the files. */
export async function projectName(context: CliContext): Promise<string> {
  const given = context.globals.projectName ?? context.terminal.environment['COMPOSE_PROJECT_NAME'];
  return given ? checkProjectName(given) : (await requireProject(context)).name;
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
  };
}

function byName(name: string): ProjectTarget {
  return { name: checkProjectName(name), project: undefined, serviceNames: [], checkServices: () => undefined };
}

function noSuchService(service: string, known: readonly string[]): TscomposeError {
  return new TscomposeError({
    code: 'cli/no-such-service',
    message: `no such service: ${service}`,
    facts: { service },
    hint: known.length === 0 ? 'the project has no services' : `the project has ${known.join(', ')}`,
  });
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
}

async function readAll(stream: AsyncIterable<string | Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
