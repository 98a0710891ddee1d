import { invalidUsage } from '../../base/invalid-usage.js';
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
    else if (flags.format === 'json') stdout.write(`${JSON.stringify({ version: `v${version}` })}\n`);
    else if (flags.format === 'pretty') stdout.write(`tscompose version v${version}\n`);
    else {
      return Promise.reject(invalidUsage('--format', `--format: "${flags.format}" is neither pretty nor json`));
    }
    return Promise.resolve(0);
  },
});
