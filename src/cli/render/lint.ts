import type { LintReport } from '../../api/tscompose.js';

/** A report as `docker build --check` prints it: a line of how many, and each with its lines of the Dockerfile. */
export function renderLint({ dockerfile, text, warnings }: LintReport): string {
  if (warnings.length === 0) return 'Check complete, no warnings found.\n';
  const count = warnings.length === 1 ? '1 warning has' : `${warnings.length} warnings have`;
  const found = warnings.map(({ rule, reason, message, line }) =>
    ['', `WARNING: ${rule} - ${reason}`, message, '', `${dockerfile}:${line}`, ...excerpt(text, line), ''].join('\n'),
  );
  return `Check complete, ${count} been found!\n${found.join('')}`;
}

const rule = '-'.repeat(20);
/** Lines shown before and after the one that is meant. */
const around = 2;

function excerpt(text: string, line: number): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  const shown = lines.slice(Math.max(0, line - 1 - around), line + around).map((content, index) => {
    const number = Math.max(1, line - around) + index;
    return `${String(number).padStart(4)} | ${number === line ? '>>>' : '   '} ${content.replace(/\r$/, '')}`.trimEnd();
  });
  return [rule, ...shown, rule];
}
