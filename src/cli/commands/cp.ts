import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ContainerSummary } from '../../api/container.js';
import { TscomposeError } from '../../base/errors.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import { settleAll } from '../../base/settle-all.js';
import type { EngineClient } from '../../client/index.js';
import { defineCommand } from '../command.js';
import { isOneOff, nameOf, numberOf, projectContainers } from '../containers.js';
import { copyIntoContainer, unpackIntoContainer } from '../copy/into-container.js';
import { copyOutOfContainer, streamOutOfContainer } from '../copy/out-of-container.js';
import { parseCopyEnd } from '../copy/paths.js';
import { flag, integer } from '../flags.js';
import { projectName } from '../project.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/no-container': { readonly service: string };
  }
}

export const cpCommand = defineCommand({
  details:
    'Of a service with several containers the first is read, and all are written to. - is a tar on standard input or ' +
    'output.',
  usage: 'SOURCE TARGET',
  flags: {
    all: flag('Containers of run as well'),
    archive: flag('Give files the user of the container', { short: 'a' }),
    followLink: flag('Of a link, copy what it leads to', { short: 'L' }),
    index: integer('Number of the container, when the service has several'),
  },
  run: async ({ flags, args: [sourceText = '', targetText = ''], context }) => {
    const { terminal, signal, dryRun } = context;
    const source = parseCopyEnd(sourceText);
    const target = parseCopyEnd(targetText);
    if (source.kind === 'service' && target.kind === 'service')
      throw usage('copying between services is not supported');
    const ours = source.kind === 'service' ? source : target;
    if (ours.kind !== 'service') throw usage('unknown copy direction');
    const project = await projectName(context);
    const client = await context.engine();
    const found = await chosen(client, project, ours.service, flags, signal);
    const containers = source.kind === 'service' ? found.slice(0, 1) : found;
    const progress = await context.progress('cp');
    const options = { archive: flags.archive, followLink: flags.followLink, cwd: terminal.cwd };
    // Several containers read it at their own pace.
    const isKept = source.kind === 'stream' && !dryRun && containers.length > 1;
    const kept = isKept ? [await buffer(terminal.stdin)] : undefined;
    const copy = async ({ Id }: ContainerSummary): Promise<void> => {
      if (source.kind === 'stream') {
        await unpackIntoContainer(client, Id, Readable.from(kept ?? terminal.stdin), ours.path, flags.archive, signal);
      } else if (source.kind === 'here') await copyIntoContainer(client, Id, source.path, ours.path, options, signal);
      else if (target.kind === 'here') await copyOutOfContainer(client, Id, ours.path, target.path, options, signal);
      else await streamOutOfContainer(client, Id, ours.path, flags.followLink, terminal.stdout, signal);
    };
    await settleAll(
      containers.map(async (container) => {
        const subject = `Container ${nameOf(container)}`;
        const detail = `${sourceText} to ${targetText}`;
        progress.report({ kind: 'started', subject, status: 'Copying', detail });
        if (!dryRun) await copy(container);
        progress.report({ kind: 'done', subject, status: 'Copied', detail });
      }),
    );
    await progress.end();
    return 0;
  },
});

/** Running or not, by number, one-offs last. */
async function chosen(
  client: EngineClient,
  project: string,
  service: string,
  { all, index }: { readonly all: boolean; readonly index: number | undefined },
  signal: AbortSignal,
): Promise<ContainerSummary[]> {
  const query = { stopped: true, oneOffs: all, services: [service] };
  const found = (await projectContainers(client, project, query, signal))
    .filter((one) => index === undefined || index === 0 || (!isOneOff(one) && numberOf(one) === index))
    .sort((a, b) => Number(isOneOff(a)) - Number(isOneOff(b)) || numberOf(a) - numberOf(b));
  if (found.length > 0) return found;
  throw new TscomposeError({
    code: 'cli/no-container',
    message: `no container found for service "${service}"`,
    facts: { service },
    hint: 'tscompose create makes one without starting it',
  });
}

function usage(message: string): TscomposeError {
  return invalidUsage(undefined, message);
}
