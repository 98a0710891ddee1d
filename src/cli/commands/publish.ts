import { invalidUsage } from '../../base/invalid-usage.js';
import { renderProject } from '../../compose/index.js';
import { publishProject } from '../../remote/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { confirm } from '../confirm.js';
import { flag, text } from '../flags.js';
import { onlyImages, pinImages } from '../image-digests.js';
import { requireProject } from '../project.js';
import { bindMounts, publishedFiles } from '../published-files.js';
import { credentialsFor, registryOptions } from '../remotes.js';
import { version } from '../version.js';

export const publishCommand = defineCommand({
  details:
    'As an OCI artifact, which --file oci://REPOSITORY[:TAG] runs, here and in docker compose. Images are not in it.',
  usage: 'REPOSITORY[:TAG]',
  flags: {
    app: flag('Refused: images are published by push'),
    insecureRegistry: flag('The registry may be spoken to without TLS', { hidden: true }),
    ociVersion: text('Format of the artifact: 1.0 or 1.1; without it what the registry takes', {
      placeholder: 'VERSION',
      choices: ['1.0', '1.1'],
    }),
    resolveImageDigests: flag('Pin the tags of images to digests'),
    withEnv: flag('Publish variables and env files as well'),
    yes: flag('Answer every question with yes', { short: 'y', oldName: 'y' }),
  },
  run: async ({ flags, args: [reference = ''], context }) => {
    const { globals, signal, terminal } = context;
    if (flags.app)
      throw invalidUsage('--app', '--app: images are not part of what is published; push sends those that are built');
    const ociVersion =
      flags.ociVersion === undefined ? undefined : choiceOf('--oci-version', flags.ociVersion, ['1.0', '1.1']);
    const project = await requireProject(context, { without: ['environment'], asWritten: true });
    const files = [...publishedFiles(project, flags.withEnv)];
    if (flags.resolveImageDigests) {
      const pins = onlyImages(await pinImages(project, context), context.warn);
      const bytes = Buffer.from(renderProject(pins, { format: 'yaml' }));
      files.push({ name: 'image-digests.yaml', kind: 'compose', bytes });
    }
    const binds = bindMounts(project);
    const question = `These folders are of this machine, and not published:\n  ${binds.join('\n  ')}\nPublish the project?`;
    if (binds.length > 0 && !flags.yes && !(await confirm(context, question))) return 0;
    if (context.dryRun) {
      terminal.stdout.write(files.map(({ kind, name }) => `${kind} ${name}\n`).join(''));
      return 0;
    }
    const progress = await context.progress('publish');
    progress.report({ kind: 'started', subject: reference, status: 'Publishing' });
    const insecure = [...globals.insecureRegistry, ...(flags.insecureRegistry ? [reference.split('/')[0] ?? ''] : [])];
    const published = await publishProject(reference, files, {
      registries: { ...registryOptions(context), insecure },
      credentials: (domain) => credentialsFor(context, domain),
      ociVersion,
      version,
      signal,
    });
    progress.report({ kind: 'done', subject: reference, status: 'Published', detail: published });
    await progress.end();
    return 0;
  },
});
