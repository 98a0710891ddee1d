import type { ProgressEvent } from '../../execute/index.js';
import type { Progress, ProgressOptions } from './progress.js';

/** One JSON object a line, with docker compose's members; empty members are left out. */
export function jsonProgress({ stream, dryRun }: Pick<ProgressOptions, 'stream' | 'dryRun'>): Progress {
  const write = (members: Readonly<Record<string, unknown>>): void => {
    stream.write(`${JSON.stringify(dryRun ? { 'dry-run': true, ...members } : members)}\n`);
  };
  return {
    report: ({ kind, subject, status, detail, layer, current, total }) => {
      write({
        id: layer ?? subject,
        ...(layer === undefined ? {} : { parent_id: subject }),
        status: statusWords[kind],
        text: status,
        ...(detail ? { details: detail } : {}),
        ...(current ? { current } : {}),
        ...(total ? { total } : {}),
        ...(current && total ? { percent: Math.min(100, Math.floor((100 * current) / total)) } : {}),
      });
    },
    note: (text) => {
      write({ tail: true, status: 'Warning', text });
    },
    end: () => Promise.resolve(),
  };
}

const statusWords: Readonly<Record<ProgressEvent['kind'], string>> = {
  started: 'Working',
  progress: 'Working',
  done: 'Done',
  failed: 'Error',
  warning: 'Warning',
};
