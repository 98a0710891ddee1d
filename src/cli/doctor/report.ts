import { sgr, type Style } from '../render/style.js';
import { padTo, textWidth, truncate } from '../../base/text-width.js';
import type { Finding } from './check.js';

const marks: Readonly<Record<Finding['status'], readonly [mark: string, colour: string]>> = {
  ok: ['ok', sgr.green],
  warning: ['warn', sgr.yellow],
  missing: ['FAIL', sgr.red],
};

/** A line a finding; below what is not in order, what to do about it. */
export function renderFindings(findings: readonly Finding[], style: Style, columns: number): string {
  const width = Math.max(...findings.map(({ name }) => textWidth(name)));
  const room = Math.max(20, columns - width - 10);
  const lines = findings.flatMap(({ name, status, found, mend }) => {
    const [mark, colour] = marks[status];
    const line = `${style.paint(colour, mark.padEnd(4))}  ${padTo(name, width)}  ${truncate(found, room)}`;
    return mend === undefined ? [line] : [line, `${' '.repeat(width + 8)}→ ${mend}`];
  });
  return `${[...lines, '', verdict(findings)].join('\n')}\n`;
}

export function isReady(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== 'missing');
}

function verdict(findings: readonly Finding[]): string {
  const failed = findings.filter(({ status }) => status === 'missing').length;
  if (failed > 0) return `The embedded engine cannot run here yet: ${failed} of ${findings.length} checks failed.`;
  const warned = findings.filter(({ status }) => status === 'warning').length;
  return warned > 0
    ? `The embedded engine can run here, with ${warned} ${warned === 1 ? 'limit' : 'limits'}.`
    : 'The embedded engine can run here.';
}
