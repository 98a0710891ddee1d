import { TscomposeError } from '../base/errors.js';
import { checkConsistency } from './consistency.js';
import { decode, rawValue } from './decode.js';
import type { LoadContext } from './documents.js';
import { declaredNames, loadModel, type ParsedFile } from './load-model.js';
import type { NodePath, Project, ProjectModel, Service } from './model.js';
import { child, isMap, nodeAt, placeAt, scalar, withMember, type MapNode } from './node.js';
import { normalize } from './normalize.js';
import { Problems } from './problems.js';
import { withoutUnusedResources } from './select.js';
import { resolveServiceFiles } from './service-files.js';
import { projectShape } from './shape.js';
import { locationOf } from './source-text.js';
import { whole } from './trace.js';

/** Stages a caller can do without: `config --no-interpolate`, `--no-path-resolution` and so on. */
export type OptionalStage = 'interpolate' | 'paths' | 'normalize' | 'consistency' | 'environment';

export interface Assembly {
  readonly name: string;
  readonly parsed: readonly ParsedFile[];
  readonly context: LoadContext;
  readonly composeFiles: readonly string[];
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
  readonly without: ReadonlySet<OptionalStage>;
  readonly allResources: boolean;
  readonly strictVersion: boolean;
}

/** Makes a project of parsed files. */
export async function assembleProject(assembly: Assembly): Promise<Project> {
  const { context, name, without } = assembly;
  const { problems, environment, trace } = context;
  const loaded = await loadModel(assembly.parsed, context, {
    paths: without.has('paths') ? 'keep' : 'resolve',
    strictVersion: assembly.strictVersion,
  });
  if (loaded.entries.size === 0 && !problems.any) throw emptyFile(assembly);
  const root = without.has('normalize')
    ? without.has('interpolate')
      ? loaded
      : withMember(loaded, 'name', scalar(name))
    : normalize(loaded, name, context.fillsVariables ? environment : undefined);
  trace?.made(root, { stage: 'normalized', from: whole(loaded), environment });
  trace?.finish(root);
  if (without.has('interpolate')) return unfilledProject(assembly, root);
  const complete = decode(root, projectShape, [], problems) as ProjectModel;
  const { enabled, disabled } = splitByProfile(complete.services, assembly.profiles);
  const model: ProjectModel = { ...complete, services: enabled };
  const consistent = !without.has('consistency');
  if (consistent) checkConsistency({ model, disabled, root, problems, declared: declaredNames(assembly.parsed) });
  const scaled = consistent ? shareScale(enabled) : enabled;
  const services = without.has('environment')
    ? scaled
    : resolveServiceFiles(scaled, root, {
        directory: context.directory,
        environment,
        problems,
        onUnset: context.onUnset,
        nameOf: context.nameOf,
        trace,
      });
  problems.throwIfAny();
  const project: Project = { ...frameOf(assembly, root), model: { ...model, services }, disabledServices: disabled };
  return assembly.allResources ? project : withoutUnusedResources(project);
}

function frameOf(assembly: Assembly, root: MapNode): Omit<Project, 'model'> {
  return {
    name: assembly.name,
    workingDir: assembly.context.directory,
    composeFiles: assembly.composeFiles,
    remotes: assembly.context.remotes.references,
    envFiles: assembly.envFiles,
    unusedResources: {},
    disabledServices: Object.create(null) as Record<string, Service>,
    profiles: assembly.profiles,
    environment: plainEnvironment(assembly.context.environment),
    locate: locator(root),
  };
}

/** With variables left in, what has a type can only be guessed; what the tree says can be shown. */
function unfilledProject(assembly: Assembly, root: MapNode): Project {
  assembly.context.problems.throwIfAny();
  const model = decode(root, projectShape, [], new Problems()) as ProjectModel;
  const { enabled, disabled } = splitByProfile(model.services, assembly.profiles);
  const frame = { ...frameOf(assembly, root), disabledServices: disabled };
  const project: Project = { ...frame, model: { ...model, services: enabled }, raw: rawValue(root) };
  return assembly.allResources ? project : withoutUnusedResources(project);
}

function emptyFile(assembly: Assembly): TscomposeError {
  const file = assembly.composeFiles[0] ?? '';
  return new TscomposeError({
    code: 'compose/empty',
    message: 'empty compose file',
    facts: { file },
    hint: 'a project needs services',
    at: { file, line: 1, column: 1 },
  });
}

/** `scale` is also the number of replicas of a service that has a deploy section. */
function shareScale(services: Readonly<Record<string, Service>>): Readonly<Record<string, Service>> {
  const shared = Object.create(null) as Record<string, Service>;
  for (const [name, service] of Object.entries(services)) {
    const { scale, deploy } = service;
    shared[name] =
      scale === undefined || deploy === undefined ? service : { ...service, deploy: { ...deploy, replicas: scale } };
  }
  return shared;
}

function splitByProfile(
  services: Readonly<Record<string, Service>>,
  active: readonly string[],
): { enabled: Record<string, Service>; disabled: Record<string, Service> } {
  const enabled = Object.create(null) as Record<string, Service>;
  const disabled = Object.create(null) as Record<string, Service>;
  for (const [name, service] of Object.entries(services)) {
    (isEnabled(service, active) ? enabled : disabled)[name] = service;
  }
  return { enabled, disabled };
}

function isEnabled(service: Service, active: readonly string[]): boolean {
  const profiles = service.profiles ?? [];
  return profiles.length === 0 || active.includes('*') || profiles.some((profile) => active.includes(profile));
}

function plainEnvironment(environment: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const plain = Object.create(null) as Record<string, string>;
  for (const [key, value] of environment) plain[key] = value;
  return plain;
}

/** A service or network as a whole is its name: what comes first in it is an attribute like any other. */
function locator(root: MapNode): Project['locate'] {
  return (path: NodePath) => {
    const section = path.length > 0 ? child(root, String(path[0])) : root;
    if (section === undefined || !isMap(root)) return undefined;
    const place = placeAt(root, path, 'value');
    const whole = nodeAt(root, path.slice(0, 2));
    return locationOf(path.length > 1 && place === whole?.at ? (whole?.key ?? place) : place);
  };
}
