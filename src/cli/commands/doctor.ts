import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { examine, thisMachine } from '../doctor/examine.js';
import { isReady, renderFindings } from '../doctor/report.js';
import { enginePaths } from '../engine/paths.js';
import { textOr } from '../flags.js';
import { exitCodes } from '../interrupts.js';
import { styleFor } from '../render/style.js';

export const doctorCommand = defineCommand({
  details:
    'Tries out what containers need: namespaces, overlay mounts, cgroups, seccomp, links and firewall rules, programs ' +
    'and folders. Each line that is not in order says how to mend it. Exit code 1 when the engine cannot run.',
  usage: '',
  flags: { format: textOr('table', 'table or json', { placeholder: 'FORMAT', choices: ['table', 'json'] }) },
  run: async ({ flags, context }) => {
    const { terminal, signal, ansi } = context;
    const format = choiceOf('--format', flags.format, ['table', 'json']);
    const findings = await examine(thisMachine(enginePaths(terminal), terminal.environment['PATH'] ?? '', signal));
    const ready = isReady(findings);
    terminal.stdout.write(
      format === 'json'
        ? `${JSON.stringify({ ok: ready, checks: findings }, undefined, 2)}\n`
        : renderFindings(
            findings,
            styleFor(terminal.stdout, ansi, terminal.environment),
            terminal.stdout.columns ?? 120,
          ),
    );
    return ready ? exitCodes.success : exitCodes.failure;
  },
});
