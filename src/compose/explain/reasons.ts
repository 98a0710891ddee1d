import type { NodePath } from '../model.js';
import { projectShape, type Shape } from '../shape.js';
import { pathTable, ruleAt, stepTable, type TableState } from '../path-table.js';

const ofProject = 'made of the name of the project (see: explain name) and the key';

/** Why a canonical project has members no file gives. */
const reasons = pathTable<string>({
  name: 'the name of the project',
  'networks.default': 'services that name no network join the default one',
  'networks.*.name': ofProject,
  'volumes.*.name': ofProject,
  'secrets.*.name': ofProject,
  'configs.*.name': ofProject,
  'services.*.networks.default': 'a service that names no network joins the default one',
  'services.*.build.context': 'a build without a context uses the project folder',
  'services.*.build.dockerfile': 'the usual name',
  'services.*.depends_on.*': 'follows from what the service shares with the other one',
  'services.*.depends_on.*.condition': 'a dependency has to be started, unless it says more',
  'services.*.depends_on.*.required': 'dependencies are required unless they say otherwise',
  'services.*.depends_on.*.restart': 'services that share a namespace or a link restart together',
  'services.*.env_file.*.required': 'env files are required unless they say otherwise',
  'services.*.ports.*.protocol': 'ports are tcp unless they say otherwise',
  'services.*.ports.*.mode': 'the default of the format',
  'services.*.secrets.*.target': 'secrets are files of their name in /run/secrets',
  'services.*.volumes.*.bind.create_host_path': 'the short form makes the folder on the host when it is missing',
  'services.*.volumes.*.volume': 'the short form of a volume has no options',
  'services.*.gpus.*.count': 'all of them, when neither a number nor ids are given',
  'services.*.deploy.resources.reservations.devices.*.count': 'all of them, when neither a number nor ids are given',
});

const external = 'the key, since what is external keeps its own name';

export function reasonFor(path: NodePath, value: unknown): string {
  if (path.length === 3 && path[2] === 'name' && path[1] === value) return external;
  let state: TableState<string> = [reasons];
  for (const step of path) state = stepTable(state, step);
  return ruleAt(state) ?? 'the default of the format';
}

/** What becoming the type of an attribute means, in words. */
const conversions: Partial<Record<Shape['kind'], string>> = {
  size: 'a size in bytes',
  duration: 'a duration',
  command: 'a command line is split into words',
  test: 'a text is run by the shell',
  boolean: 'true or false',
  hosts: 'a host and its address',
  float: 'a number',
  integer: 'a whole number',
  unsigned: 'a whole number',
};

export function conversionAt(path: NodePath): string {
  let shape: Shape = projectShape;
  for (const step of path) {
    if (shape.kind === 'list' || shape.kind === 'map') shape = shape.of;
    else if (shape.kind === 'struct') {
      const field: Shape | undefined = shape.fields.find(({ name }) => name === step)?.shape;
      if (field === undefined) break;
      shape = field;
    } else break;
  }
  return conversions[shape.kind] ?? 'the form of the attribute';
}

/** What makes two items of a list the same, in words. */
const sameness = pathTable<string>({
  'services.*.ports': 'the same port',
  'services.*.volumes': 'the same target',
  'services.*.devices': 'the same target',
  'services.*.secrets': 'the same target',
  'services.*.configs': 'the same target',
  'services.*.env_file': 'the same path',
});

export function samenessOf(path: NodePath): string {
  let state: TableState<string> = [sameness];
  for (const step of path) state = stepTable(state, step);
  return ruleAt(state) ?? 'the same name';
}
