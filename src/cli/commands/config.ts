import {
  listVariables,
  renderProject,
  selectServices,
  type OptionalStage,
  type Project,
  type Service,
} from '../../compose/index.js';
import { imageOf, serviceHash } from '../../plan/index.js';
import { buildGraph, startOrder } from '../../graph/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { compare } from '../containers.js';
import { flag, text } from '../flags.js';
import type { CliContext } from '../context.js';
import { loadOptions, requireProject, withFiles } from '../project.js';
import { renderVariables } from '../render/template-variables.js';
import { writeOutput } from '../write-output.js';

export const configCommand = defineCommand({
  details: 'Everything filled in, merged and in long form, as the other commands see it.',
  usage: '[SERVICE...]',
  flags: {
    environment: flag('Print the variables interpolation sees'),
    format: text('yaml or json; with --variables table, json or yaml', {
      placeholder: 'FORMAT',
      choices: ['yaml', 'json', 'table'],
    }),
    lockImageDigests: flag('Print only images, pinned to digests: a file to lay over the others'),
    hash: text('Print config hashes of services: a comma list, or *', { placeholder: 'SERVICES' }),
    images: flag('Print names of images'),
    models: flag('Print references of models'),
    networks: flag('Print names of networks'),
    noConsistency: flag('Do not check that what services refer to exists'),
    noEnvResolution: flag('Leave env_file as it is'),
    noInterpolate: flag('Leave variables as they are'),
    noNormalize: flag('Leave defaults out'),
    noPathResolution: flag('Leave paths relative'),
    output: text('Write to this file', { short: 'o', placeholder: 'FILE' }),
    profiles: flag('Print names of profiles'),
    quiet: flag('Only check', { short: 'q' }),
    resolveImageDigests: flag('Pin the tags of images to digests'),
    services: flag('Print names of services'),
    strictVersion: flag('Refuse keys the stated version never had'),
    variables: flag('Print the variables the files refer to'),
    volumes: flag('Print names of volumes'),
  },
  relayable: ({ output }) => output === undefined,
  run: async ({ flags, args, context }) => {
    const { globals, terminal } = context;
    const without: OptionalStage[] = [];
    if (flags.noInterpolate) without.push('interpolate');
    if (flags.noPathResolution) without.push('paths');
    if (flags.noNormalize || globals.compatibility) without.push('normalize');
    if (flags.noConsistency) without.push('consistency');
    if (flags.noEnvResolution) without.push('environment');
    if (flags.variables && !selectsSomethingElse(flags)) {
      if (args.length > 0) context.warn('warning: --variables is about the whole project, services are not looked at');
      terminal.stdout.write(renderVariables(await listVariables({ ...loadOptions(context), without }), flags.format));
      return 0;
    }
    const loaded = await requireProject(context, { without, strictVersion: flags.strictVersion, asWritten: true });
    withFiles(loaded).checkServices(args);
    if (flags.noInterpolate && args.length > 0) {
      context.warn('warning: --no-interpolate is about the whole project, services are not looked at');
    }
    const project = selectServices(loaded, flags.noInterpolate ? [] : args, { withDependencies: true });
    const selected = select(project, flags);
    if (selected !== undefined) {
      terminal.stdout.write(selected);
      return 0;
    }
    const content = await render(project, flags, context);
    if (flags.quiet) return 0;
    if (flags.output === undefined) terminal.stdout.write(content);
    else writeOutput(context, flags.output, content);
    return 0;
  },
});

interface RenderFlags {
  readonly format: string | undefined;
  readonly noInterpolate: boolean;
  readonly resolveImageDigests: boolean;
  readonly lockImageDigests: boolean;
}

/** @throws `usage/invalid`, `registry/…` */
async function render(project: Project, flags: RenderFlags, context: CliContext): Promise<string> {
  const { noInterpolate, lockImageDigests } = flags;
  const format = choiceOf('--format', flags.format ?? 'yaml', ['yaml', 'json']);
  const options = { format, escapeDollars: !noInterpolate } as const;
  if (!flags.resolveImageDigests && !lockImageDigests) return renderProject(project, options);
  const { pinImages, onlyImages } = await import('../image-digests.js');
  const pinned = await pinImages(project, context);
  return renderProject(lockImageDigests ? onlyImages(pinned, context.warn) : pinned, options);
}

interface Selectors {
  readonly services: boolean;
  readonly volumes: boolean;
  readonly networks: boolean;
  readonly models: boolean;
  readonly hash: string | undefined;
  readonly profiles: boolean;
  readonly images: boolean;
  readonly environment: boolean;
}

/** One part of the project, one entry a line; undefined when the whole of it is wanted. The first selector wins. */
function select(project: Project, selectors: Selectors): string | undefined {
  const { model } = project;
  const lines = (entries: Iterable<string>): string => [...entries].map((entry) => `${entry}\n`).join('');
  if (selectors.services) return lines(startOrder(buildGraph(project)).flat());
  if (selectors.volumes) return lines(Object.keys(model.volumes ?? {}));
  if (selectors.networks) return lines(Object.keys(model.networks ?? {}));
  if (selectors.models) return lines(modelsOf(project));
  if (selectors.hash !== undefined) return lines(hashes(project, selectors.hash));
  if (selectors.profiles) return lines(profilesOf(project));
  if (selectors.images) {
    return lines(Object.entries(model.services).flatMap(([name, service]) => imagesOf(project, name, service)));
  }
  if (selectors.environment) {
    const entries = Object.entries(project.environment).sort(([a], [b]) => compare(a, b));
    return lines(entries.map(([name, value]) => `${name}=${value}`));
  }
  return undefined;
}

/** Selectors that come before `--variables` when several are given. */
function selectsSomethingElse({ services, volumes, networks, models, hash, profiles, images }: Selectors): boolean {
  return services || volumes || networks || models || hash !== undefined || profiles || images;
}

/** The image of a service, and those its hooks and mounts name. */
function imagesOf(project: Project, name: string, service: Service): readonly string[] {
  const known = { ...project.model.services, ...project.disabledServices };
  const hooks = (service.pre_start ?? []).flatMap(({ image }) => image ?? []);
  const mounts = (service.volumes ?? []).flatMap(({ type, source = '' }) => (type === 'image' ? [source] : []));
  return [imageOf(project, name, service), ...hooks, ...mounts.filter((source) => !(source in known))];
}

function modelsOf({ model }: Project): string[] {
  return Object.values(model.models ?? {}).flatMap((declared) => {
    const reference = (declared as { readonly model?: unknown } | null)?.model;
    return typeof reference === 'string' && reference !== '' ? [reference] : [];
  });
}

function hashes(project: Project, wanted: string): string[] {
  const names = wanted === '*' ? Object.keys(project.model.services) : wanted.split(',');
  withFiles(project).checkServices(names);
  return names.toSorted(compare).flatMap((name) => {
    const service = project.model.services[name];
    return service === undefined ? [] : [`${name} ${serviceHash(service)}`];
  });
}

/** All that are declared, those of disabled services too. */
function profilesOf({ model, disabledServices }: Project): string[] {
  const services = [...Object.values(model.services), ...Object.values(disabledServices)];
  return [...new Set(services.flatMap(({ profiles }) => profiles ?? []))].sort(compare);
}
