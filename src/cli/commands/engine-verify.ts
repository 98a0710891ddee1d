import type { StoreReport } from '../../api/tscompose.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { connectChosen } from '../engine/connect.js';
import { enginePaths } from '../engine/paths.js';
import { textOr } from '../flags.js';

export const engineVerifyCommand = defineCommand({
  details:
    'Changes nothing. Exit code 1 when something is not what its digest says. An image that is damaged is mended by ' +
    'removing it, and pulling or building it again.',
  usage: '',
  flags: { format: textOr('table', 'table or json', { placeholder: 'FORMAT', choices: ['table', 'json'] }) },
  run: async ({ flags, context: { terminal, signal } }) => {
    const format = choiceOf('--format', flags.format, ['table', 'json']);
    const client = await connectChosen({ kind: 'embedded', paths: enginePaths(terminal) }, terminal, signal);
    try {
      const report = await client.verify(signal);
      terminal.stdout.write(format === 'json' ? `${JSON.stringify(report)}\n` : reportText(report));
      return report.problems.length === 0 ? 0 : 1;
    } finally {
      client.close();
    }
  },
});

function reportText({ images, layers, blobs, bytesRead, problems }: StoreReport): string {
  const lines = problems.map(({ what, id, names = [], reason }) =>
    [`${what} ${id}`, ...(names.length === 0 ? [] : [` (${names.join(', ')})`]), `: ${reason}`].join(''),
  );
  const read = `${images} images, ${layers} layers and ${blobs} configs, ${Math.round(bytesRead / 1e6)} MB`;
  return [...lines, `${read}: ${problems.length === 0 ? 'all whole' : `${problems.length} damaged`}`, ''].join('\n');
}
