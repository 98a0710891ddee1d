import { TscomposeError } from '../../base/errors.js';
import { checkBuild } from '../../execute/index.js';
import { type OperationOf, planBuild, planPush } from '../../plan/index.js';
import { bakeFile } from '../bake-file.js';
import { defineCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { flag, flagOn, list, text, type FlagValues } from '../flags.js';
import { lockFlags, withLock } from '../lock/use-lock.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { renderLint } from '../render/lint.js';
import { runPlan } from '../run-plan.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/no-builder-for': { readonly flag: string };
  }
}

const buildFlags = {
  buildArg: list('Set a build argument; without a value it is taken from here', { placeholder: 'KEY[=VALUE]' }),
  builder: text('Builder of buildx; only its name “default” is one here', { placeholder: 'NAME' }),
  check: flag('Look for mistakes in the Dockerfiles and build nothing; exits with 1 where there are any'),
  compress: flagOn('Without effect', { hidden: true }),
  forceRm: flagOn('Without effect', { hidden: true }),
  ...lockFlags,
  memory: text('Without effect: steps have no limit of their own', { short: 'm', placeholder: 'BYTES' }),
  noCache: flag('Do every step again'),
  noRm: flag('Without effect', { hidden: true }),
  parallel: flagOn('Without effect', { hidden: true }),
  print: flag('Print the builds as a bake file and build nothing'),
  progress: text('Give it before the command', { hidden: true }),
  provenance: text('Say with the image how it came about: true, or mode=max with arguments and steps', {
    placeholder: 'WHAT',
  }),
  pull: flag('Look for newer base images'),
  push: flag('Push the images of services that name one'),
  quiet: flag('Show nothing but warnings', { short: 'q' }),
  sbom: text('Without a scanner of packages false is the only choice', { placeholder: 'WHAT' }),
  ssh: text('Let steps that ask for it use an ssh agent; without a path the one of SSH_AUTH_SOCK', {
    placeholder: 'ID[=PATH]',
  }),
  withDependencies: flag('Build what the services need too'),
} as const;

export const buildCommand = defineCommand({
  details: 'Of all services that have a build section, or of those named.',
  usage: '[SERVICE...]',
  flags: buildFlags,
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    refuseWhatNoBuilderDoes(flags);
    if (flags.memory !== undefined) context.warn('warning: --memory has no effect, steps have no limit of their own');
    const loaded = await requireProject(context, { without: ['environment'] }); // which a build has no use for
    withFiles(loaded).checkServices(args);
    const project = await withLock(context, enableNamed(loaded, args), flags);
    const plan = planBuild(project, {
      ...(args.length === 0 ? {} : { services: args }),
      withDependencies: flags.withDependencies,
      args: Object.fromEntries(flags.buildArg.map((entry) => buildArgument(entry, project.environment))),
      ...(flags.ssh === undefined || flags.ssh === '' ? {} : { ssh: sshAgent(flags.ssh) }),
      ...(flags.provenance === undefined ? {} : { provenance: flags.provenance }),
      ...(flags.noCache ? { noCache: true } : {}), // absent leaves it to the file
      ...(flags.pull ? { pull: true } : {}),
    });
    if (plan.steps.length === 0) {
      context.warn('No services to build');
      return 0;
    }
    const builds = plan.steps.flatMap(({ operation }) => (operation.kind === 'image.build' ? [operation] : []));
    if (flags.check) return await check(context, builds);
    if (flags.print) {
      context.terminal.stdout.write(bakeFile(builds));
      return 0;
    }
    const client = await context.engine();
    const progress = await context.progress('build');
    const quiet = { builds: flags.quiet, pulls: flags.quiet, all: flags.quiet };
    const work = { client, project, progress, signal: context.signal, quiet };
    await runPlan(context, work, plan);
    if (flags.push) {
      await runPlan(context, work, planPush(project, { services: args, withDependencies: flags.withDependencies }));
    }
    await progress.end();
    return 0;
  },
});

/** @returns the exit code: 1 where something was found */
async function check(context: CliContext, builds: readonly OperationOf<'image.build'>[]): Promise<number> {
  const client = await context.engine();
  let found = false;
  for (const { service, request } of builds) {
    const report = await checkBuild(client, service, request, context.signal);
    found ||= report.warnings.length > 0;
    context.terminal.stdout.write(`${builds.length > 1 ? `${service}: ` : ''}${renderLint(report)}`);
  }
  return found ? 1 : 0;
}

/** @throws `cli/no-builder-for`: a build that silently lacks what was asked of it would be worse */
function refuseWhatNoBuilderDoes({ builder, sbom }: FlagValues<typeof buildFlags>): void {
  const asked = (value: string | undefined, ...harmless: readonly string[]): boolean =>
    value !== undefined && value !== '' && !harmless.includes(value);
  if (asked(builder, 'default')) throw noBuilderFor('--builder', 'images are built by the engine itself');
  if (asked(sbom, 'false'))
    throw noBuilderFor('--sbom', 'the builder has no scanner that would list the packages of an image');
}

function noBuilderFor(flag: string, reason: string): TscomposeError<'cli/no-builder-for'> {
  return new TscomposeError({
    code: 'cli/no-builder-for',
    message: `cannot build with ${flag}: ${reason}`,
    facts: { flag },
    hint: `leave it out; build --print writes a file that docker buildx bake builds with ${flag}`,
  });
}

function sshAgent(text: string): Readonly<Record<string, string | null>> {
  const [id = '', ...socket] = text.split('=');
  return { [id]: socket.length > 0 ? socket.join('=') : null };
}

function buildArgument(entry: string, environment: Readonly<Record<string, string>>): readonly [string, string | null] {
  const [name = '', ...value] = entry.split('=');
  return value.length > 0 ? [name, value.join('=')] : [name, environment[name] ?? null];
}
