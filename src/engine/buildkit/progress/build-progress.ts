import type { LintReport } from '../../../api/tscompose.js';
import { canonicalText, parseReference, withDefaultTag } from '../../../registry/index.js';
import type { BuildEvent, BuildMessage, BuildStepInfo } from '../../builder/index.js';
import type { Status } from './status-log.js';
import type { VertexReport, VertexReports } from './vertexes.js';

/** A build's messages as BuildKit's vertexes. */
export interface BuildProgress {
  readonly onProgress: (message: BuildMessage) => void;
  /** The build has failed: shown with the step that did. @returns the vertex of that step */
  fail(message: string): VertexReport | undefined;
}

/** @param definition - digest of the vertex with the Dockerfile, under which clients show warnings */
export function buildProgress(reports: VertexReports, definition: () => string): BuildProgress {
  const steps = new Map<number, VertexReport>();
  const bases = new Map<string, VertexReport>();
  let failed: VertexReport | undefined;
  /** Messages of pulls carry no base of their own: they are shown with the one that is being looked for. */
  let resolving: VertexReport | undefined;

  const onEvent = (event: BuildEvent): void => {
    switch (event.kind) {
      case 'plan':
        for (const info of event.steps) {
          const name = vertexName(info, event.stages);
          if (name !== undefined) steps.set(info.step, reports.vertex(name));
        }
        return;
      case 'resolving': {
        const vertex = reports.vertex(`[internal] load metadata for ${fullName(event.reference)}`);
        bases.set(event.reference, vertex);
        resolving = vertex;
        vertex.started();
        return;
      }
      case 'resolved':
        bases.get(event.reference)?.completed(event.message === undefined ? {} : { error: event.message });
        if (resolving === bases.get(event.reference)) resolving = undefined;
        return;
      case 'unused-args': {
        const short = `One or more build-args [${event.names.join(' ')}] were not consumed`;
        reports.say({ warnings: [{ vertex: definition(), level: 1, short: Buffer.from(short) }] });
        return;
      }
      case 'lint':
        reports.say({ warnings: lintWarnings(event, definition()) });
        return;
      case 'started':
        steps.get(event.step)?.started();
        return;
      case 'output':
        steps.get(event.step)?.output(event.text);
        return;
      case 'done':
        steps.get(event.step)?.completed({});
        return;
      case 'cached':
        steps.get(event.step)?.completed({ cached: true });
        return;
      case 'canceled':
        steps.get(event.step)?.completed({ error: 'context canceled' });
        return;
      case 'failed':
        failed ??= steps.get(event.step); // completed by `fail`, which knows the failure itself
    }
  };

  return {
    fail: (message) => {
      failed?.completed({ error: message });
      return failed;
    },
    onProgress: (message) => {
      if (message.tscompose !== undefined) onEvent(message.tscompose);
      const { id, status, progressDetail } = message;
      if (resolving === undefined || id === undefined || status === undefined) return;
      resolving.piece(`${status} ${id}`, {
        ...progressDetail,
        done: /complete|already exists/i.test(status),
      });
    },
  };
}

/** As BuildKit counts and names them; undefined for a step that does nothing to files. */
function vertexName(
  { stage, instruction, shown = instruction, image, ordinal }: BuildStepInfo,
  stages: number,
): string | undefined {
  if (ordinal === undefined) return undefined;
  const width = String(ordinal.of).length;
  const stageName = stages === 1 ? '' : `${/^\d+$/.test(stage) ? `stage-${stage}` : stage} `;
  const title = image === undefined ? shown : `FROM ${fullName(image)}`;
  return `[${stageName}${String(ordinal.number).padStart(width)}/${ordinal.of}] ${title}`;
}

/** `docker.io/library/busybox:latest`; an id as it is. */
function fullName(reference: string): string {
  try {
    return canonicalText(withDefaultTag(parseReference(reference)));
  } catch {
    return reference; // an id, or what the build will say is no name
  }
}

function lintWarnings({ dockerfile, text, warnings }: LintReport, vertex: string): NonNullable<Status['warnings']> {
  return warnings.map(({ rule, reason, message, line }) => ({
    vertex,
    level: 1,
    short: Buffer.from(`${rule}: ${message} (line ${line})`),
    detail: [Buffer.from(reason)],
    info: { filename: dockerfile, data: Buffer.from(text) },
    ranges: [{ start: { line }, end: { line } }],
  }));
}
