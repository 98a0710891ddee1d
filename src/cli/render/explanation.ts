import { relative } from 'node:path';
import type { SourceLocation } from '../../base/source-location.js';
import type { Explanation, Step, VariablePlace, VariableUse, Via } from '../../compose/index.js';
import { sgr, type Style } from './style.js';
import { textWidth, wrapWords } from '../../base/text-width.js';

export interface ExplanationStyle {
  readonly style: Style;
  /** Files below it are named relative to it. */
  readonly cwd: string;
  /** Cells; undefined where a program reads: lines are then not broken. */
  readonly width: number | undefined;
}

/** The value, then its way, a place or a rule a line. Ends with a line feed. */
export function renderExplanation(explanation: Explanation, look: ExplanationStyle): string {
  const { style } = look;
  const title = `${style.paint(sgr.bold, explanation.path)} = ${style.paint(sgr.green, valueText(explanation.value))}`;
  const lines = explanation.steps.flatMap((step) => stepLines(step, look));
  const body = lines.length > 0 ? lines : ['  nothing says more'];
  return [...wrapWords(title, look.width), ...body.flatMap((line) => wrapWords(line, look.width))]
    .map((line) => `${line}\n`)
    .join('');
}

/** One line for a value among many: where it stands, and what filled it in. */
export function renderBrief(explanation: Explanation, look: ExplanationStyle): string {
  const title = `${explanation.path} = ${look.style.paint(sgr.green, valueText(explanation.value))}`;
  const origin = look.style.paint(sgr.dim, originOf(explanation.steps, look));
  const joined = `${title}  ${origin}`;
  const fits = look.width === undefined || textWidth(joined) <= look.width;
  const lines = fits ? [joined] : [...wrapWords(title, look.width), ...wrapWords(`    ${origin}`, look.width)];
  return lines.map((line) => `${line}\n`).join('');
}

export function valueText(value: unknown): string {
  if (typeof value === 'string') return value === '' || value.includes('\n') ? JSON.stringify(value) : value;
  if (value instanceof String || value instanceof Number) return value.toString();
  return JSON.stringify(value ?? null);
}

/** `compose.yaml:3:12` */
export function placeText(at: SourceLocation | undefined, cwd: string): string {
  return at === undefined ? '' : `${fileText(at.file, cwd)}:${at.line}:${at.column}`;
}

function fileText(file: string, cwd: string): string {
  if (file === '-') return '(standard input)';
  const short = relative(cwd, file);
  return short === '' || short.startsWith('../../') ? file : short;
}

function originOf(steps: readonly Step[], { cwd }: ExplanationStyle): string {
  const from = steps.findLast((step) => step.kind === 'literal' || step.kind === 'default');
  const parts: string[] = [];
  if (from?.kind === 'literal') parts.push(from.at === undefined ? literalSource(from, cwd) : placeText(from.at, cwd));
  if (from?.kind === 'default') parts.push('default');
  const filled = steps.findLast((step) => step.kind === 'variables' || step.kind === 'looked-up');
  const uses = filled?.kind === 'variables' ? filled.uses : filled?.kind === 'looked-up' ? [filled.use] : [];
  for (const use of uses) parts.push(`${use.name} from ${winnerText(use, cwd)}`);
  if (steps.some((step) => step.kind === 'inactive')) parts.push('inactive');
  return parts.join(', ');
}

function winnerText({ places }: VariableUse, cwd: string): string {
  const winner = places.find(({ state }) => state === 'wins');
  return winner === undefined || winner.place === 'nothing' ? 'nowhere' : placeName(winner, cwd);
}

function stepLines(step: Step, look: ExplanationStyle): readonly string[] {
  const { cwd, style } = look;
  switch (step.kind) {
    case 'literal':
      return [
        `  ${style.paint(sgr.cyan, literalSource(step, cwd))}`,
        ...shownText(step.written).map((line) => `    ${line}`),
        ...step.via.map((via) => `    ${viaText(via, cwd)}`),
      ];
    case 'variables':
      return variablesLines(step, look);
    case 'looked-up':
      return useLines(step.use, 4, look);
    case 'extended':
      return [`    extended by ${step.by} at ${placeText(step.at, cwd)}`];
    case 'included':
      return [`    included at ${placeText(step.at, cwd)}`];
    case 'over':
      return [`    ${step.manner === 'appended' ? 'added to what was there' : 'replaces that'}: ${step.reason}`];
    case 'dropped':
      return [`    taken away by ${step.tag} at ${placeText(step.at, cwd)}`];
    case 'expanded':
      return [`    the short form gives ${quoted(step.value)}`];
    case 'moved':
      return [`    older formats have it at ${step.from}`];
    case 'default':
      return [`  ${style.paint(sgr.cyan, 'default')}`, `    ${quoted(step.value)}: ${step.reason}`];
    case 'path':
      return [`    relative to ${step.directory}: ${step.value}`];
    case 'converted':
      return [`    read as ${quoted(step.value)}: ${step.reason}`];
    case 'inactive':
      return inactiveLines(step, look);
    case 'note':
      return [`  ${style.paint(sgr.yellow, 'note')}`, `    ${step.text}`];
  }
}

function literalSource(step: Step & { kind: 'literal' }, cwd: string): string {
  if (step.source === 'folder') return 'the name of the project folder';
  if (step.source === 'flag') return 'the command line';
  const kind = step.source === 'yaml' ? '' : `  (${step.source})`;
  return `${placeText(step.at, cwd)}${kind}`;
}

function viaText(via: Via, cwd: string): string {
  const at = 'at' in via ? placeText(via.at, cwd) : '';
  switch (via.kind) {
    case 'alias':
      return `through the alias *${via.anchor} at ${at}`;
    case 'merge-key':
      return `through <<${via.anchor === undefined ? '' : `: *${via.anchor}`} at ${at}`;
    case 'hides':
      return `hides what << brings from ${at}`;
  }
}

// A text that is nothing but one variable need not be said again.
function variablesLines({ template, value, uses }: Step & { kind: 'variables' }, look: ExplanationStyle): string[] {
  const lines = uses.flatMap((use) => useLines(use, 4, look));
  const shown = uses.length === 1 && uses[0]?.expression === template ? lines.slice(1) : lines;
  return [...shown, `    gives ${quoted(value)}`];
}

function useLines(use: VariableUse, indent: number, look: ExplanationStyle): readonly string[] {
  const inner = use.places.some(({ place, state }) => place === 'default' && state === 'not needed') ? [] : use.inner;
  return [
    `${' '.repeat(indent)}${use.expression}`,
    ...placeLines(use.places, indent, look),
    ...inner.flatMap((one) => useLines(one, indent + 2, look)),
  ];
}

/** A row a place: where, what it says, and what became of that. */
export function placeLines(
  places: readonly VariablePlace[],
  indent: number,
  { cwd, style }: ExplanationStyle,
): readonly string[] {
  const margin = ' '.repeat(indent);
  const names = places.map((place) => placeName(place, cwd));
  const width = Math.max(...names.map(textWidth));
  const values = places.map(({ value, place }) => (value === undefined || wordless(place) ? '' : quoted(value)));
  const valueWidth = Math.min(30, Math.max(...values.map(textWidth)));
  return places.map((place, index) => {
    const value = values[index] ?? '';
    const cells = [(names[index] ?? '').padEnd(width), value === '' ? '' : value.padEnd(valueWidth), stateText(place)];
    const row = `${margin}  ${cells.filter(Boolean).join('  ')}`.trimEnd();
    return place.state === 'wins' ? style.paint(sgr.bold, row) : row;
  });
}

function placeName({ place, file, at, reason }: VariablePlace, cwd: string): string {
  if (place !== 'env file' || file === undefined) return place;
  const name = at === undefined ? fileText(file, cwd) : placeText(at, cwd);
  return reason === '--env-file' || reason === 'COMPOSE_ENV_FILES' ? `${name} (${reason})` : name;
}

/** Places that say all in their state. */
function wordless(place: VariablePlace['place']): boolean {
  return place === 'nothing' || place === 'required';
}

function stateText({ place, value, state }: VariablePlace): string {
  switch (state) {
    case 'wins':
      if (place === 'required') return 'it must be set';
      if (place !== 'nothing') return '<- this one';
      return value === undefined ? 'it stays without a value' : 'it is left blank';
    case 'empty':
      return 'empty counts as not set';
    case 'set':
      return 'is set';
    default:
      return state;
  }
}

function inactiveLines(step: Step & { kind: 'inactive' }, look: ExplanationStyle): readonly string[] {
  const names = step.active.filter((profile) => profile !== '');
  const active = names.length === 0 ? 'none is active' : `active: ${names.join(', ')}`;
  const profiles = `${step.profiles.length === 1 ? 'profile' : 'profiles'} ${step.profiles.join(', ')}`;
  const line = `    ${step.service} belongs to ${profiles}; ${active}`;
  const title = `  ${look.style.paint(sgr.yellow, 'the service is not enabled')}`;
  return [title, line, ...(step.use === undefined ? [] : useLines(step.use, 4, look))];
}

function shownText(written: string): readonly string[] {
  const lines = (written === '' ? '(no value)' : written).split('\n');
  return lines.length <= 4 ? lines : [...lines.slice(0, 3), `… ${lines.length - 3} more lines`];
}

function quoted(text: string): string {
  return text === '' || /^\s|\s$|\n/.test(text) ? JSON.stringify(text) : text;
}
