import { composeLabels } from '../api/labels.js';
import type { Project, Service } from '../compose/index.js';
import { hashInput, hashOf } from './config-hash.js';

/** Version of docker compose whose labels and names these are; other tools expect one of 2 or later. */
const conventions = '2.26.1';

/** Labels that docker compose does not know. */
export const ownLabels = {
  /** The service a container was made from, so that a later plan can say which field changed. */
  definition: 'io.tscompose.definition',
} as const;

export interface ContainerLabelFacts {
  readonly number: number;
  readonly imageId: string | undefined;
  readonly hash: string;
  /** Of a container of `run`: 64 hex digits, random. */
  readonly slug: string | undefined;
  /** Id of the container it replaces. */
  readonly replaces: string | undefined;
}

/** Labels of a service's container; ours win over the user's. */
export function containerLabels(
  project: Project,
  service: string,
  definition: Service,
  facts: ContainerLabelFacts,
): Record<string, string> {
  const dependencies = Object.entries(definition.depends_on ?? {})
    .map(([name, { condition, restart = false }]) => `${name}:${condition}:${String(restart)}`)
    .sort();
  return {
    ...definition.labels,
    ...projectLabels(project.name),
    [composeLabels.service]: service,
    ...(facts.slug === undefined
      ? { [composeLabels.oneoff]: 'False', [composeLabels.containerNumber]: String(facts.number) }
      : { [composeLabels.oneoff]: 'True', [composeLabels.slug]: facts.slug }),
    [composeLabels.configHash]: facts.hash,
    ...(facts.imageId === undefined ? {} : { [composeLabels.imageDigest]: facts.imageId }),
    [composeLabels.dependencies]: dependencies.join(','),
    [composeLabels.workingDir]: project.workingDir,
    [composeLabels.configFiles]: project.composeFiles.join(','),
    ...(project.envFiles.length === 0 ? {} : { [composeLabels.environmentFile]: project.envFiles.join(',') }),
    ...(facts.replaces === undefined ? {} : { [composeLabels.replace]: facts.replaces }),
    [ownLabels.definition]: definitionText(definition),
  };
}

export function networkLabels(
  project: string,
  key: string,
  own: Readonly<Record<string, string>> | undefined,
  hash: string,
): Record<string, string> {
  return { ...own, ...projectLabels(project), [composeLabels.network]: key, [composeLabels.configHash]: hash };
}

export function volumeLabels(
  project: string,
  key: string,
  own: Readonly<Record<string, string>> | undefined,
  hash: string,
): Record<string, string> {
  return { ...own, ...projectLabels(project), [composeLabels.volume]: key, [composeLabels.configHash]: hash };
}

export function imageLabels(
  project: string,
  service: string,
  own: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  return {
    ...own,
    ...projectLabels(project),
    [composeLabels.service]: service,
    [composeLabels.imageBuilder]: 'classic',
  };
}

/** Of a container that runs a `pre_start` hook; without a config hash, so that nobody takes it for a replica. */
export function hookLabels(project: string, service: string): Record<string, string> {
  return { ...projectLabels(project), [composeLabels.service]: service, [composeLabels.hook]: 'pre_start' };
}

/** The hashed part of a service as JSON. Values of environments are digests: the label says what changed, not what it was. */
export function definitionText(definition: Service): string {
  let text = definitions.get(definition);
  if (text === undefined) definitions.set(definition, (text = encodeDefinition(definition)));
  return text;
}

const definitions = new WeakMap<Service, string>();

function encodeDefinition(definition: Service): string {
  const hooks = hookLists.map((list): [string, unknown] => [list, definition[list]?.map(withDigests)]);
  const watch = definition.develop?.watch?.map((rule) =>
    rule.exec === undefined ? rule : { ...rule, exec: withDigests(rule.exec) },
  );
  const develop = watch === undefined ? {} : { develop: { ...definition.develop, watch } };
  return hashInput({ ...withDigests(definition), ...Object.fromEntries(hooks), ...develop });
}

const hookLists = ['pre_start', 'post_start', 'pre_stop'] as const;

function withDigests<Holder extends Pick<Service, 'environment'>>(holder: Holder): Holder {
  if (holder.environment === undefined) return holder;
  const digests = Object.entries(holder.environment).map(([key, value]): [string, string | null] => {
    return [key, value === null ? null : `sha256:${hashOf(value).slice(0, 12)}`];
  });
  return { ...holder, environment: Object.fromEntries(digests) };
}

function projectLabels(project: string): Record<string, string> {
  return { [composeLabels.project]: project, [composeLabels.version]: conventions };
}
