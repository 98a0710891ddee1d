import type { Progress, ProgressOptions } from './progress.js';

/**
 * One line an event, in docker compose's form, which scripts search: ` Container hitos-web-1  Creating`.
 * Repeated progress of the same state (layers of a pull) is written once.
 */
export function plainProgress({ stream, dryRun }: Pick<ProgressOptions, 'stream' | 'dryRun'>): Progress {
  const prefix = dryRun ? ' DRY-RUN MODE - ' : '';
  const last = new Map<string, string>();
  return {
    report: ({ subject, status, detail, layer }) => {
      if (layer !== undefined) return; // thousands of lines that say nothing in a log
      const line = `${prefix} ${subject}  ${status}${detail === undefined || detail === '' ? '' : ` ${detail}`}`;
      if (last.get(subject) === line) return;
      last.set(subject, line);
      stream.write(`${line.replaceAll('\n', ' ')}\n`);
    },
    note: (text) => void stream.write(`${text}\n`),
    end: () => Promise.resolve(),
  };
}
