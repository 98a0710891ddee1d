import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import { renderProject, selectServices, type OptionalStage, type Project } from '../../compose/index.js';
import { imageOf, serviceHash } from '../../plan/index.js';
import { buildGraph, startOrder } from '../../graph/index.js';
import { defineCommand } from '../command.js';
import { compare } from '../containers.js';
import { flag, text } from '../flags.js';
import { requireProject, withFiles } from '../project.js';

export const configCommand = defineCommand({
  details: 'Everything filled in, merged and in long form, as the other commands see it.',
  usage: '[SERVICE...]',
  flags: {
    environment: flag('Print the variables interpolation sees'),
    format: text('yaml or json', { placeholder: 'FORMAT' }),
    hash: text('Print config hashes of services: a comma list, or *', { placeholder: 'SERVICES' }),
    images: flag('Print names of images'),
    networks: flag('Print names of networks'),
    noConsistency: flag('Do not check that what services refer to exists'),
    noEnvResolution: flag('Leave env_file as it is'),
    noInterpolate: flag('Leave variables as they are'),
    noNormalize: flag('Leave defaults out'),
    noPathResolution: flag('Leave paths relative'),
    output: text('Write to this file', { short: 'o', placeholder: 'FILE' }),
    profiles: flag('Print names of profiles'),
    quiet: flag('Only check', { short: 'q' }),
    services: flag('Print names of services'),
    strictVersion: flag('Refuse keys the stated version never had'),
    volumes: flag('Print names of volumes'),
  },
  relayable: ({ output }) => output === undefined,
  run: async ({ flags, args, context }) => {
    const { globals, terminal } = context;
    const format = flags.format ?? 'yaml';
    if (format !== 'yaml' && format !== 'json') {
      const message = `--format: "${format}" is neither yaml nor json`;
      throw new TscomposeError({ code: 'usage/invalid', message, facts: { argument: '--format' } });
    }
    const without: OptionalStage[] = [];
    if (flags.noInterpolate) without.push('interpolate');
    if (flags.noPathResolution) without.push('paths');
    if (flags.noNormalize || globals.compatibility) without.push('normalize');
    if (flags.noConsistency) without.push('consistency');
    if (flags.noEnvResolution) without.push('environment');
    const loaded = await requireProject(context, { without, strictVersion: flags.strictVersion });
    withFiles(loaded).checkServices(args);
    const project = selectServices(loaded, flags.noInterpolate ? [] : args, { withDependencies: true });
    const content = select(project, flags) ?? renderProject(project, { format, escapeDollars: !flags.noInterpolate });
    if (flags.quiet) return 0;
    if (flags.output === undefined) terminal.stdout.write(content);
    else writeFileSync(resolve(terminal.cwd, flags.output), content);
    return 0;
  },
});

interface Selectors {
  readonly services: boolean;
  readonly volumes: boolean;
  readonly networks: boolean;
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
  if (selectors.hash !== undefined) return lines(hashes(project, selectors.hash));
  if (selectors.profiles) return lines(profilesOf(project));
  if (selectors.images) {
    return lines(Object.entries(model.services).map(([name, service]) => imageOf(project, name, service)));
  }
  if (selectors.environment) {
    const entries = Object.entries(project.environment).sort(([a], [b]) => compare(a, b));
    return lines(entries.map(([name, value]) => `${name}=${value}`));
  }
  return undefined;
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
