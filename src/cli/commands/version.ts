import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { flag, textOr } from '../flags.js';
import { version } from '../version.js';

export const versionCommand = defineCommand({
  usage: '',
  flags: {
    format: textOr('pretty', 'pretty or json', { short: 'f', placeholder: 'FORMAT', choices: ['pretty', 'json'] }),
    short: flag('Only the number'),
  },
  run: ({ flags, context }) => {
    const { stdout } = context.terminal;
    if (flags.short) stdout.write(`${version}\n`);
    else if (choiceOf('--format', flags.format, ['pretty', 'json']) === 'json')
      stdout.write(`${JSON.stringify({ version: `v${version}` })}\n`);
    else stdout.write(`tscompose version v${version}\n`);
    return Promise.resolve(0);
  },
});
