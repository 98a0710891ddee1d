import { TscomposeError } from '../../base/errors.js';
import { Mask, traceProject, type Explanation } from '../../compose/index.js';
import { defineCommand } from '../command.js';
import type { CliContext } from '../context.js';
import { flag, text } from '../flags.js';
import { loadOptions } from '../project.js';
import { renderBrief, renderExplanation, type ExplanationStyle } from '../render/explanation.js';
import { styleFor } from '../render/style.js';

export const explainCommand = defineCommand({
  details:
    'PATH is one that config shows, such as services.web.environment.TZ, services.web.ports[0].published,\n' +
    'volumes.data.name or name. A path to a mapping or list explains each value within, in short. Values of keys and\n' +
    'variables that look like secrets are masked.',
  usage: '[PATH...]',
  flags: {
    format: text('text or json', { placeholder: 'FORMAT' }),
    showSecrets: flag('Do not mask what looks like a secret'),
  },
  run: async ({ flags, args, context }) => {
    const { terminal } = context;
    const format = flags.format ?? 'text';
    if (format !== 'text' && format !== 'json') {
      const message = `--format: "${format}" is neither text nor json`;
      throw new TscomposeError({ code: 'usage/invalid', message, facts: { argument: '--format' } });
    }
    const explainer = await traceProject(loadOptions(context));
    const mask = new Mask(explainer.secretCandidates());
    const found = (args.length === 0 ? [''] : args).flatMap((path) => explainer.explain(path));
    const shown = flags.showSecrets ? found : found.map((one) => mask.explanation(one));
    if (format === 'json') terminal.stdout.write(`${JSON.stringify({ explanations: shown }, undefined, 2)}\n`);
    else terminal.stdout.write(renderAll(shown, args.length, lookOf(context)));
    return 0;
  },
});

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
