import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { invalidUsage } from '../../base/invalid-usage.js';
import { defineCommand } from '../command.js';
import { containerOf, nameOf } from '../containers.js';
import { integer, text } from '../flags.js';
import { projectName } from '../project.js';
import { writeAll } from '../terminal.js';

export const exportCommand = defineCommand({
  usage: 'SERVICE',
  flags: {
    index: integer('Number of the container, when the service has several'),
    output: text('Write to this file; needed where standard output is a terminal', { short: 'o', placeholder: 'FILE' }),
  },
  run: async ({ flags, args: [service = ''], context }) => {
    const { signal, terminal } = context;
    if (flags.output === undefined && terminal.stdout.isTTY === true) {
      throw invalidUsage('--output', 'a tar is nothing for a terminal', 'name a file with --output');
    }
    const project = await projectName(context);
    const client = await context.engine();
    const container = await containerOf(client, { project, service, index: flags.index }, { stopped: true }, signal);
    const progress = await context.progress('export');
    const subject = `Container ${nameOf(container)}`;
    progress.report({ kind: 'started', subject, status: 'Exporting' });
    if (!context.dryRun) {
      const tar = await client.containers.export(container.Id, signal);
      if (flags.output === undefined) {
        await writeAll(terminal.stdout, tar);
      } else await save(tar, resolve(terminal.cwd, flags.output), signal);
    }
    progress.report({ kind: 'done', subject, status: 'Exported' });
    await progress.end();
    return 0;
  },
});

/** Whole or not at all. */
async function save(tar: NodeJS.ReadableStream, path: string, signal: AbortSignal): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await pipeline(tar, createWriteStream(temporary, { flags: 'wx' }), { signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
