import { invalidUsage } from '../../base/invalid-usage.js';
import { inspectVariables, Mask, traceProject, type Explanation } from '../../compose/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { flag, text } from '../flags.js';
import { loadOptions } from '../project.js';
import { renderBrief, renderExplanation, type ExplanationStyle } from '../render/explanation.js';
import { styleFor } from '../render/style.js';
import { renderLint, renderVariable } from '../render/variables.js';

export const explainCommand = defineCommand({
  details:
    'PATH is one that config shows, such as services.web.environment.TZ, services.web.ports[0].published, ' +
    'volumes.data.name or name. A path to a mapping or list explains each value within, in short; no path the whole ' +
    'project. Values of keys and variables that look like secrets are masked.',
  usage: '[PATH...]',
  flags: {
    format: text('text or json', { placeholder: 'FORMAT', choices: ['text', 'json'] }),
    lint: flag('Warn of variables and env files that are most likely not as meant; exit with 1 if any are'),
    showSecrets: flag('Do not mask what looks like a secret'),
    variables: flag('List every variable: where it is used, where it is set, which place wins'),
  },
  run: async ({ flags, args, context }) => {
    const { terminal } = context;
    const format = choiceOf('--format', flags.format ?? 'text', ['text', 'json']);
    if (flags.variables || flags.lint) return await inspect(flags, args, format, context);
    const explainer = await traceProject(loadOptions(context));
    const mask = new Mask(explainer.secretCandidates());
    const found = (args.length === 0 ? [''] : args).flatMap((path) => explainer.explain(path));
    const shown = flags.showSecrets ? found : found.map((one) => mask.explanation(one));
    if (format === 'json') terminal.stdout.write(`${jsonOf({ explanations: shown })}\n`);
    else terminal.stdout.write(renderAll(shown, args.length, lookOf(context)));
    return 0;
  },
});

interface Wanted {
  readonly variables: boolean;
  readonly lint: boolean;
  readonly showSecrets: boolean;
}

async function inspect(
  wanted: Wanted,
  args: readonly string[],
  format: 'text' | 'json',
  context: CliContext,
): Promise<number> {
  if (args.length > 0) {
    throw invalidUsage(undefined, '--variables and --lint are about the whole project: leave the path out');
  }
  const quiet = { ...loadOptions(context), onWarning: undefined }; // warnings say what is listed anyway
  const { variables, lints, values, failure } = await inspectVariables(quiet);
  const mask = new Mask(values);
  const shown = wanted.showSecrets ? variables : variables.map((one) => mask.variable(one));
  const look = lookOf(context);
  const { stdout } = context.terminal;
  if (format === 'json') {
    const report = { ...(wanted.variables && { variables: shown }), ...(wanted.lint && { lints }) };
    stdout.write(`${jsonOf(report)}\n`);
  } else {
    if (wanted.variables) stdout.write(shown.map((one) => renderVariable(one, look)).join('\n'));
    if (wanted.variables && wanted.lint && shown.length > 0 && lints.length > 0) stdout.write('\n');
    if (wanted.lint) stdout.write(lints.map((lint) => renderLint(lint, look)).join(''));
  }
  if (failure !== undefined) throw failure;
  return wanted.lint && lints.length > 0 ? 1 : 0;
}

/** Lines of files stay out: they may hold the very values that are masked. */
function jsonOf(report: object): string {
  return JSON.stringify(report, (key, value: unknown) => (key === 'lineText' ? undefined : value), 2);
}

function renderAll(shown: readonly Explanation[], asked: number, look: ExplanationStyle): string {
  if (asked > 0 && shown.length === asked) return shown.map((one) => renderExplanation(one, look)).join('\n');
  return shown.map((one) => renderBrief(one, look)).join('');
}

function lookOf({ terminal, ansi }: CliContext): ExplanationStyle {
  return {
    style: styleFor(terminal.stdout, ansi, terminal.environment),
    cwd: terminal.cwd,
    width: terminal.stdout.columns,
  };
}
