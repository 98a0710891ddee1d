import { choiceOf } from '../choice.js';
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
    const format = choiceOf('--format', flags.format, ['table', 'json']);
    const paths = enginePaths(terminal);
    const status = await readEngineStatus(paths, signal);
    const { socket, dataRoot } = paths;
    const facts =
      status === undefined
        ? { running: false, pid: null, socket, dataRoot, version, apiVersion: null }
        : { running: true, ...status };
    terminal.stdout.write(format === 'json' ? `${JSON.stringify(facts)}\n` : table(facts));
    return 0;
  },
});

function table(facts: object): string {
  const rows = Object.entries(facts).map(([name, value]) => [name, value === null ? '-' : String(value)] as const);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}
