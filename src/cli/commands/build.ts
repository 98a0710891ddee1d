import { planBuild } from '../../plan/index.js';
import { defineCommand } from '../command.js';
import { flag, flagOn, list, text } from '../flags.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { runPlan } from '../run-plan.js';

export const buildCommand = defineCommand({
  details: 'Of all services that have a build section, or of those named.',
  usage: '[SERVICE...]',
  flags: {
    buildArg: list('Set a build argument; without a value it is taken from here', { placeholder: 'KEY[=VALUE]' }),
    builder: text('Without effect', { hidden: true }),
    compress: flagOn('Without effect', { hidden: true }),
    forceRm: flagOn('Without effect', { hidden: true }),
    memory: text('Memory limit of the build', { short: 'm', placeholder: 'BYTES' }),
    noCache: flag('Do every step again'),
    noRm: flag('Without effect', { hidden: true }),
    parallel: flagOn('Without effect', { hidden: true }),
    progress: text('Give it before the command', { hidden: true }),
    pull: flag('Look for newer base images'),
    quiet: flag('Do not show the steps', { short: 'q' }),
    withDependencies: flag('Build what the services need too'),
  },
  run: async ({ flags, args, context }) => {
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(args);
    const project = enableNamed(loaded, args);
    const plan = planBuild(project, {
      ...(args.length === 0 ? {} : { services: args }),
      withDependencies: flags.withDependencies,
      args: Object.fromEntries(flags.buildArg.map((entry) => buildArgument(entry, project.environment))),
      ...(flags.noCache ? { noCache: true } : {}), // absent leaves it to the file
      ...(flags.pull ? { pull: true } : {}),
    });
    if (plan.steps.length === 0) {
      context.warn('No services to build');
      return 0;
    }
    const client = await context.engine();
    const progress = await context.progress('build');
    await runPlan(
      context,
      { client, project, progress, signal: context.signal, quiet: { builds: flags.quiet, pulls: false } },
      plan,
    );
    await progress.end();
    return 0;
  },
});

function buildArgument(entry: string, environment: Readonly<Record<string, string>>): readonly [string, string | null] {
  const [name = '', ...value] = entry.split('=');
  return value.length > 0 ? [name, value.join('=')] : [name, environment[name] ?? null];
}
