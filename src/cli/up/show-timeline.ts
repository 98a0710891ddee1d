import { writeFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { messageOf, TscomposeError } from '../../base/errors.js';
import { renderLocation } from '../../base/source-location.js';
import type { EngineClient } from '../../client/index.js';
import type { Project } from '../../compose/index.js';
import { noteFirstProbes, observe, waitAdvice, type Timeline, type WaitAdvice } from '../../execute/index.js';
import type { CliContext } from '../context.js';
import { styleFor } from '../render/style.js';
import { wrapWords } from '../../base/text-width.js';
import { chromeTrace, durationText, renderTimeline } from '../render/timeline.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/trace-not-written': { readonly path: string };
  }
}

interface TimelineWishes {
  readonly client: EngineClient;
  readonly project: Project;
  /** On standard output. */
  readonly timeline: boolean;
  /** File for Chrome's trace events. */
  readonly trace: string | undefined;
}

/** `up --timeline` and `--trace`. @throws `cli/trace-not-written` */
export async function showTimeline(
  { terminal, ansi, signal, dryRun, warn }: CliContext,
  timeline: Timeline,
  { client, project, timeline: shown, trace }: TimelineWishes,
): Promise<void> {
  const { stdout, environment, cwd } = terminal;
  await noteFirstProbes(client, project, timeline, signal);
  if (shown) {
    const dumb = stdout.isTTY !== true || environment['TERM'] === 'dumb';
    const style = styleFor(stdout, ansi, environment);
    const columns = stdout.columns ?? 100;
    const lines = renderTimeline(timeline, { columns, style, blocks: !dumb });
    const found = await advices(client, project, timeline, signal);
    const texts = found.flatMap((advice) => wrapWords(adviceText(project, advice, cwd), columns));
    for (const line of [...lines, ...texts]) stdout.write(`${line}\n`);
  }
  if (trace === undefined) return;
  if (dryRun) {
    warn(`${trace}: would be written`);
    return;
  }
  const path = resolve(cwd, trace);
  try {
    await writeFile(path, chromeTrace(timeline));
  } catch (error) {
    const message = `cannot write the trace to ${path}: ${messageOf(error)}`;
    throw new TscomposeError({ code: 'cli/trace-not-written', message, facts: { path } });
  }
}

/** About the services that something on the critical path waited for. */
async function advices(
  client: EngineClient,
  project: Project,
  timeline: Timeline,
  signal: AbortSignal,
): Promise<readonly WaitAdvice[]> {
  const waited = timeline
    .rows()
    .filter(({ bars }) => bars.some(({ phase, critical }) => phase === 'wait' && critical))
    .map(({ subject }) => subject.replace(/^Container /, ''));
  if (waited.length === 0) return [];
  const { containers } = await observe(client, project, signal, { images: false, networks: false, volumes: false });
  const found = await Promise.all(
    containers
      .filter(({ name }) => waited.includes(name))
      .map(async ({ id, service }) => waitAdvice(service, await client.containers.inspect(id, signal))),
  );
  return found.filter((advice) => advice !== undefined);
}

function adviceText(project: Project, { service, waitedMs, pausedMs }: WaitAdvice, cwd: string): string {
  const at = project.locate(['services', service, 'healthcheck']) ?? project.locate(['services', service]);
  const place = at === undefined ? '' : ` (${renderLocation({ ...at, file: relative(cwd, at.file) })})`;
  return (
    `"${service}" was found healthy ${durationText(waitedMs)} after its start; for ${durationText(pausedMs)} of that ` +
    `nobody looked${place}. Shorten healthcheck.interval, or give it a start_period with a start_interval of 500ms; on ` +
    'the embedded engine test: ["TCP", ":PORT"] or ["HTTP", "GET :PORT/path"] is tried at once and costs next to nothing.'
  );
}
