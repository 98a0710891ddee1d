import type { Mount, Port, Project, Service } from '../compose/index.js';
import { separatorOf } from './names.js';

/** A container of `run`: one service's, with a command of its own. */
export interface OneOff {
  readonly service: string;
  /** 64 hex digits, random. */
  readonly slug: string;
  readonly changes: OneOffChanges;
  /** Whether its output is shown here: our terminal is joined to it before it starts. */
  readonly attached: boolean;
  /** Its standard input is ours. */
  readonly interactive: boolean;
  /** The engine removes it when it ends. */
  readonly autoRemove: boolean;
  /** Whether it answers to the names of the service. */
  readonly useAliases: boolean;
}

/** What the command line says about the service; absent: as in the file. */
export interface OneOffChanges {
  readonly name?: string;
  readonly command?: readonly string[];
  /** Without a command of its own the file's command goes too. */
  readonly entrypoint?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly tty: boolean;
  readonly environment: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly volumes: readonly Mount[];
  /** `declared`: those of the file. */
  readonly ports: readonly Port[] | 'declared';
}

/** One-offs have no number: no label says one, and they are never counted among the replicas. */
export const oneOffNumber = 0;

export function oneOffName(project: Pick<Project, 'name' | 'separator'>, service: string, slug: string): string {
  return [project.name, service, 'run', slug.slice(0, 12)].join(separatorOf(project));
}

/** The project with the service as its one-off container has it: never restarted, once, under a name of its own. */
export function withOneOff(project: Project, oneOff: OneOff): Project {
  const definition = project.model.services[oneOff.service];
  if (definition === undefined) return project; // told as `plan/no-such-service`
  const services = { ...project.model.services, [oneOff.service]: changed(project, definition, oneOff) };
  return { ...project, model: { ...project.model, services } };
}

function changed(project: Project, definition: Service, { service, slug, changes, interactive }: OneOff): Service {
  const { deploy } = definition;
  const published = changes.ports === 'declared' ? definition.ports : changes.ports;
  const command = changes.command ?? (changes.entrypoint === undefined ? definition.command : null);
  const volumes = [...(definition.volumes ?? []), ...changes.volumes];
  return {
    ...without(definition, 'restart', 'ports', 'deploy'),
    ...(deploy === undefined ? {} : { deploy: without(deploy, 'restart_policy', 'replicas') }),
    scale: 1,
    container_name: changes.name ?? oneOffName(project, service, slug),
    tty: changes.tty,
    stdin_open: interactive,
    ...(command === undefined ? {} : { command }),
    ...(changes.entrypoint === undefined ? {} : { entrypoint: changes.entrypoint }),
    ...(changes.user === undefined ? {} : { user: changes.user }),
    ...(changes.workingDir === undefined ? {} : { working_dir: changes.workingDir }),
    ...(published === undefined || published.length === 0 ? {} : { ports: published }),
    ...(volumes.length === 0 ? {} : { volumes: withoutHidden(volumes) }),
    environment: { ...definition.environment, ...changes.environment },
    labels: { ...definition.labels, ...changes.labels },
    cap_add: united(definition.cap_add, changes.capAdd, changes.capDrop),
    cap_drop: united(definition.cap_drop, changes.capDrop, changes.capAdd),
  };
}

function without<T extends object, K extends keyof T>(whole: T, ...keys: readonly K[]): Omit<T, K> {
  const rest = { ...whole };
  for (const key of keys) Reflect.deleteProperty(rest, key);
  return rest;
}

/** Of several mounts at one place the last one stands. */
function withoutHidden(volumes: readonly Mount[]): Mount[] {
  return volumes.filter(({ target }, index) => !volumes.slice(index + 1).some((later) => later.target === target));
}

/** What the command line takes away is not in the file's list any more. */
function united(
  declared: readonly string[] | undefined,
  added: readonly string[],
  removed: readonly string[],
): readonly string[] {
  return [...new Set([...(declared ?? []), ...added])].filter((name) => !removed.includes(name));
}
