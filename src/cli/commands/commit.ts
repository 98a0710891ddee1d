import { defineCommand } from '../command.js';
import { containerOf, nameOf } from '../containers.js';
import { flagOn, integer, list, text } from '../flags.js';
import { projectName } from '../project.js';

export const commitCommand = defineCommand({
  usage: 'SERVICE [REPOSITORY[:TAG]]',
  flags: {
    author: text('Who made it', { short: 'a', placeholder: 'NAME' }),
    change: list('Dockerfile instruction to apply to the image', { short: 'c', placeholder: 'INSTRUCTION' }),
    index: integer('Number of the container, when the service has several'),
    message: text('What it is', { short: 'm' }),
    pause: flagOn('Freeze the container meanwhile; --pause=false does not', { short: 'p' }),
  },
  run: async ({ flags, args: [service = '', reference], context }) => {
    const { signal } = context;
    const project = await projectName(context);
    const client = await context.engine();
    const container = await containerOf(client, { project, service, index: flags.index }, { stopped: true }, signal);
    const progress = await context.progress('commit');
    const subject = `Container ${nameOf(container)}`;
    progress.report({ kind: 'started', subject, status: 'Committing' });
    if (context.dryRun) {
      progress.report({ kind: 'done', subject, status: 'Committed' });
    } else {
      const { Id } = await client.containers.commit(
        container.Id,
        {
          ...splitReference(reference),
          ...(flags.message === undefined ? {} : { comment: flags.message }),
          ...(flags.author === undefined ? {} : { author: flags.author }),
          pause: flags.pause,
          changes: flags.change,
        },
        signal,
      );
      progress.report({ kind: 'done', subject, status: 'Committed', detail: `as ${Id}` });
    }
    await progress.end();
    return 0;
  },
});

function splitReference(reference: string | undefined): { readonly repo?: string; readonly tag?: string } {
  if (reference === undefined) return {};
  const [, repo = reference, tag] = /^(.+?)(?::([^:/]+))?$/.exec(reference) ?? [];
  return { repo, ...(tag === undefined ? {} : { tag }) };
}
