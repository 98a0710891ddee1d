import type { Lint, VariableReport } from '../../compose/index.js';
import { placeLines, placeText, valueText, type ExplanationStyle } from './explanation.js';
import { sgr } from './style.js';
import { textWidth, wrapWords } from '../../base/text-width.js';

/** Name and value, the places that were looked up, then every use. */
export function renderVariable({ name, value, places, uses }: VariableReport, look: ExplanationStyle): string {
  const { style, cwd } = look;
  const shown = value === undefined ? style.paint(sgr.yellow, 'not set') : style.paint(sgr.green, valueText(value));
  const spots = uses.map(({ at }) => placeText(at, cwd));
  const width = Math.max(...spots.map(textWidth));
  const rows = uses.map(({ expression, path }, index) =>
    `    ${(spots[index] ?? '').padEnd(width)}  ${expression}${path === undefined ? '' : `  ${path}`}`.trimEnd(),
  );
  const title = `${style.paint(sgr.bold, name)}${value === undefined ? ': ' : ' = '}${shown}`;
  const lines = [title, ...placeLines(places, 0, look), '  used at', ...rows];
  return lines
    .flatMap((line) => wrapWords(line, look.width))
    .map((line) => `${line}\n`)
    .join('');
}

/** `.env:3:1: warning: …`, as compilers write it, with the hint below. */
export function renderLint({ at, code, message, hint }: Lint, look: ExplanationStyle): string {
  const { style, cwd } = look;
  const first = `${placeText(at, cwd)}: ${style.paint(sgr.yellow, 'warning')}: ${message}  [${code}]`;
  return [first, `  hint: ${hint}`]
    .flatMap((line) => wrapWords(line, look.width))
    .map((line) => `${line}\n`)
    .join('');
}
