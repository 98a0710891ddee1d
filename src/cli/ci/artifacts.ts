import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { messageOf, TscomposeError } from '../../base/errors.js';
import type { EngineClient } from '../../client/index.js';
import { readLogs, type Finding, type Timeline } from '../../execute/index.js';
import { findingError } from '../render/finding.js';
import { plainStyle } from '../render/style.js';
import { chromeTrace, renderTimeline } from '../render/timeline.js';
import { machineForm } from '../report-error.js';
import { junitReport, type CiCase } from './junit.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/artifacts-not-written': { readonly folder: string };
  }
}

export interface CiRecord {
  readonly project: string;
  readonly cases: readonly CiCase[];
  readonly findings: readonly Finding[];
  readonly timeline: Timeline;
}

/** Makes the folder, so that one that cannot be written to is known before anything else is done. @throws `cli/artifacts-not-written` */
export async function prepareArtifacts(folder: string): Promise<void> {
  await guarded(folder, async () => {
    await mkdir(join(folder, 'logs'), { recursive: true });
  });
}

/**
 * Writes `junit.xml`, `post-mortem.json`, `timeline.txt`, `timeline.json` and a file in `logs/` for every container.
 * @throws `cli/artifacts-not-written`
 */
export async function writeArtifacts(
  folder: string,
  { project, cases, findings, timeline }: CiRecord,
  client: EngineClient,
  signal: AbortSignal,
): Promise<void> {
  const waterfall = renderTimeline(timeline, { columns: 120, style: plainStyle, blocks: false });
  await guarded(folder, async () => {
    await Promise.all([
      writeFile(join(folder, 'junit.xml'), junitReport(project, cases)),
      writeFile(
        join(folder, 'post-mortem.json'),
        `${JSON.stringify(findings.map(findingError).map(machineForm), undefined, 2)}\n`,
      ),
      writeFile(join(folder, 'timeline.txt'), `${waterfall.join('\n')}\n`),
      writeFile(join(folder, 'timeline.json'), chromeTrace(timeline)),
      writeLogs(join(folder, 'logs'), project, client, signal),
    ]);
  });
}

/** Every line with its time, all containers of the project. */
async function writeLogs(folder: string, project: string, client: EngineClient, signal: AbortSignal): Promise<void> {
  const files = new Map<string, { readonly file: WriteStream; readonly ended: Promise<void> }>();
  const drains = new Set<Promise<unknown>>();
  await readLogs({
    ...{ client, project, history: 'all', signal },
    pace: async () => {
      await Promise.all(drains);
      drains.clear();
    },
    onEvent: (event) => {
      if (event.kind !== 'line') return;
      const { name } = event.source;
      const log = files.get(name) ?? logFile(join(folder, `${name}.log`));
      files.set(name, log);
      const more = log.file.write(`${event.time === undefined ? '' : `${event.time} `}${event.text}\n`);
      if (!more) drains.add(Promise.race([once(log.file, 'drain'), log.ended]).catch(() => undefined)); // told by `ended`
    },
  });
  await Promise.all(
    [...files.values()].map(async ({ file, ended }) => {
      file.end();
      await ended;
    }),
  );
}

/** `ended` rejects when it cannot be written, which may be before anybody waits for it. */
function logFile(path: string): { readonly file: WriteStream; readonly ended: Promise<void> } {
  const file = createWriteStream(path);
  const ended = finished(file);
  ended.catch(() => undefined);
  return { file, ended };
}

async function guarded(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof TscomposeError) throw error;
    const message = `cannot write to the artifacts folder ${folder}: ${messageOf(error)}`;
    throw new TscomposeError({ code: 'cli/artifacts-not-written', message, facts: { folder } });
  }
}
