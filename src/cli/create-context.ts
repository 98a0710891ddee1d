import { choiceOf } from './choice.js';
import { invalidUsage } from '../base/invalid-usage.js';
import { wrapWords } from '../base/text-width.js';
import type { EngineClient } from '../client/index.js';
import type { CliContext } from './context.js';
import type { GlobalValues } from './global-flags.js';
import type { Interrupts } from './interrupts.js';
import { createProgress } from './render/create-progress.js';
import { progressMode, type Progress, type ProgressMode } from './render/progress.js';
import { ansiChoices, styleFor, type AnsiChoice } from './render/style.js';
import { booleanSetting, type Terminal } from './terminal.js';

export interface OpenContext {
  readonly context: CliContext;
  /** Ends what the command left open. May be called twice. */
  settle(): Promise<void>;
}

/** Resolves flags against environment variables, those of the project's env files too. @throws `usage/invalid` */
export function createContext(
  globals: GlobalValues,
  terminal: Terminal,
  settings: Terminal['environment'],
  interrupts: Interrupts,
): OpenContext {
  const environment = settings;
  const ansi = ansiChoice(globals, environment);
  const mode = modeOf(globals, ansi, { ...terminal, environment });
  const status = booleanSetting(environment['COMPOSE_STATUS_STDOUT']) === true ? terminal.stdout : terminal.stderr;
  let client: Promise<EngineClient> | undefined;
  let progress: Progress | undefined;

  const choose = async () => {
    const [{ chooseEngine }, connecting] = await Promise.all([
      import('./engine/choose.js'),
      import('./engine/connect.js'),
    ]);
    return { choice: chooseEngine(globals, terminal, context.warn), ...connecting };
  };
  const connect = async (): Promise<EngineClient> => {
    const { choice, connectChosen } = await choose();
    return await connectChosen(choice, terminal, interrupts.signal);
  };

  const context: CliContext = {
    globals,
    terminal,
    settings,
    interrupts,
    signal: interrupts.signal,
    dryRun: globals.dryRun,
    ansi,
    progressMode: mode,
    parallel: parallelOf(globals, environment),
    engine: () => (client ??= connect()),
    regainEngine: async (signal) => {
      context.warn('the connection to the engine broke; waiting for it');
      const { choice, untilBack } = await choose();
      await untilBack(choice, terminal, signal);
    },
    progress: async (operation) => {
      await progress?.end();
      const style = styleFor(status, ansi, environment);
      progress = await createProgress(mode, { stream: status, style, dryRun: globals.dryRun, operation });
      return progress;
    },
    finishDrawing: async () => {
      await progress?.end();
    },
    warn: (text) => {
      const lines = text.split('\n').flatMap((line) => wrapWords(line, terminal.stderr.columns));
      if (progress === undefined) terminal.stderr.write(`${lines.join('\n')}\n`);
      else progress.note(lines.join('\n'));
    },
  };
  const settle = async (): Promise<void> => {
    await progress?.end();
    progress = undefined;
    const connected = await client?.catch(() => undefined); // its failure has been told where it was awaited
    connected?.close();
    client = undefined;
  };
  return { context, settle };
}

function ansiChoice({ ansi, noAnsi }: GlobalValues, environment: Terminal['environment']): AnsiChoice {
  if (noAnsi) return 'never';
  if (ansi !== undefined) return choiceOf('--ansi', ansi, ansiChoices);
  const setting = environment['COMPOSE_ANSI'];
  return ansiChoices.find((choice) => choice === setting) ?? 'auto'; // as docker compose, which looks at it no closer
}

function modeOf({ progress }: GlobalValues, ansi: AnsiChoice, { stderr, environment }: Terminal): ProgressMode {
  const wanted = progress ?? environment['COMPOSE_PROGRESS'] ?? '';
  const mode = progressMode(wanted, stderr, environment);
  if (mode === undefined)
    throw invalidUsage('--progress', `--progress: "${wanted}" is none of auto, tty, plain, json and quiet`);
  return mode === 'tty' && ansi === 'never' ? 'plain' : mode;
}

function parallelOf({ parallel }: GlobalValues, environment: Terminal['environment']): number | undefined {
  const limit = parallel ?? integerSetting(environment['COMPOSE_PARALLEL_LIMIT']);
  return limit === undefined || limit <= 0 ? undefined : limit;
}

function integerSetting(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (/^-?\d+$/.test(value)) return Number(value);
  throw invalidUsage('COMPOSE_PARALLEL_LIMIT', `COMPOSE_PARALLEL_LIMIT: "${value}" is not a whole number`);
}
