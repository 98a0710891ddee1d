import type { Progress, ProgressOptions, ProgressReport } from './progress.js';

/** One JSON object a line, with docker compose's members; empty members are left out. */
export function jsonProgress({ stream, dryRun }: Pick<ProgressOptions, 'stream' | 'dryRun'>): Progress {
  const write = (members: Readonly<Record<string, unknown>>): void => {
    stream.write(`${JSON.stringify(dryRun ? { 'dry-run': true, ...members } : members)}\n`);
  };
  return {
    report: ({ kind, subject, status, detail }) => {
      const text = detail === undefined || detail === '' ? {} : { details: detail };
      write({ id: subject, status: statusWords[kind], text: status, ...text });
    },
    note: (text) => {
      write({ tail: true, status: 'Warning', text });
    },
    end: () => Promise.resolve(),
  };
}

const statusWords: Readonly<Record<ProgressReport['kind'], string>> = {
  started: 'Working',
  progress: 'Working',
  done: 'Done',
  failed: 'Error',
  warning: 'Warning',
};
