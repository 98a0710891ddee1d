import { invalidUsage } from '../../base/invalid-usage.js';
import { defineCommand } from '../command.js';
import { enginePaths } from '../engine/paths.js';
import { readEngineStatus } from '../engine/status.js';
import { textOr } from '../flags.js';
import { version } from '../version.js';

export const engineStatusCommand = defineCommand({
  details: 'Exit code 0 whether it runs or not; look at "running".',
  usage: '',
  flags: { format: textOr('table', 'table or json', { placeholder: 'FORMAT', choices: ['table', 'json'] }) },
  run: async ({ flags, context: { terminal, signal } }) => {
    const paths = enginePaths(terminal);
    const status = await readEngineStatus(paths, signal);
    const { socket, dataRoot } = paths;
    const facts =
      status === undefined
        ? { running: false, pid: null, socket, dataRoot, version, apiVersion: null }
        : { running: true, ...status };
    switch (flags.format) {
      case 'json':
        terminal.stdout.write(`${JSON.stringify(facts)}\n`);
        return 0;
      case 'table': {
        const rows = Object.entries(facts).map(
          ([name, value]) => [name, value === null ? '-' : String(value)] as const,
        );
        const width = Math.max(...rows.map(([name]) => name.length));
        terminal.stdout.write(rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join(''));
        return 0;
      }
      default: {
        throw invalidUsage('--format', `--format: "${flags.format}" is neither table nor json`);
      }
    }
  },
});
