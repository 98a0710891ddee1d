import { resolve } from 'node:path';
import { composeLabels } from '../../api/labels.js';
import { TscomposeError } from '../../base/errors.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import type { EngineClient } from '../../client/index.js';
import { prepareArtifacts } from '../ci/artifacts.js';
import { ciHost } from '../ci/ci-host.js';
import { CiSession } from '../ci/session.js';
import { defineCommand } from '../command.js';
import { confirm } from '../confirm.js';
import type { CliContext } from '../context.js';
import { flag, integer, text } from '../flags.js';
import { withLock } from '../lock/use-lock.js';
import { parseSeconds } from '../moment.js';
import { enableNamed, requireProject, withFiles } from '../project.js';

const defaultAttempts = 3;

export const ciCommand = defineCommand({
  details:
    'Pulls and builds, starts everything, waits until all are healthy, runs the tests, gathers logs and reports, and takes ' +
    'the project and its volumes down again, also after Ctrl-C. The tests are a service (--test) or a command after --, ' +
    'which finds the engine in DOCKER_HOST; without either it is a test that all become healthy. On GitHub and GitLab ' +
    'output is grouped and failures are shown beside their lines. Exit codes: that of the tests; 1 files or flags are ' +
    'wrong, 70 an image is missing, 71 a service did not come up, 72 it could not be taken down, 124 time over, 130 ' +
    'interrupted.',
  usage: '[COMMAND] [ARGS...]',
  stopsAtFirstArgument: true,
  flags: {
    artifacts: text('Write junit.xml, post-mortem.json, the timeline and all logs into this folder', {
      placeholder: 'FOLDER',
    }),
    keep: flag('Leave the project up'),
    pullAttempts: integer(`Times to try each pull; the default is ${defaultAttempts}`),
    test: text('The service that is the test: its exit code decides', { placeholder: 'SERVICE' }),
    timeout: text('Longest time until the tests are over, such as 90s or 10m', { placeholder: 'TIME' }),
  },
  run: async ({ flags, args, context }) => {
    if (flags.test !== undefined && args.length > 0)
      throw invalidUsage('--test', '--test and a command exclude each other');
    const attempts = flags.pullAttempts ?? defaultAttempts;
    if (attempts < 1) throw invalidUsage('--pull-attempts', '--pull-attempts: at least one is needed');
    const { terminal } = context;
    const loaded = await requireProject(context);
    const named = flags.test === undefined ? [] : [flags.test];
    withFiles(loaded).checkServices(named);
    const artifacts = flags.artifacts === undefined ? undefined : resolve(terminal.cwd, flags.artifacts);
    const timeoutS = flags.timeout === undefined ? undefined : parseSeconds('--timeout', flags.timeout);
    const project = await withLock(context, enableNamed(loaded, named), { frozen: false, noFrozen: false, inCi: true });
    const client = await context.engine();
    if (!flags.keep && !context.dryRun) await confirmLoss(context, client, project.name);
    if (artifacts !== undefined && !context.dryRun) await prepareArtifacts(artifacts);
    const session = new CiSession(context, {
      ...{ client, project },
      ...{ host: ciHost(terminal.stdout, terminal.environment), command: args, keep: flags.keep },
      ...{ test: flags.test, artifacts, timeoutS, attempts },
    });
    return await session.run();
  },
});

/** A person is asked before volumes go that were there before; a program may find some that a killed run has left. @throws `cli/declined` */
async function confirmLoss(context: CliContext, client: EngineClient, project: string): Promise<void> {
  if (context.terminal.stdin.isTTY !== true) return;
  const filters = { label: [`${composeLabels.project}=${project}`] };
  const names = (await client.volumes.list({ filters }, context.signal)).map(({ Name }) => Name);
  if (names.length === 0) return;
  const question = `The project is there already: ${names.join(', ')} will be removed, with all data, when the tests are over.`;
  if (await confirm(context, question)) return;
  throw new TscomposeError({
    code: 'cli/declined',
    message: 'operation cancelled by user',
    facts: { question },
    hint: '-p NAME tests beside it, --keep leaves the project up',
  });
}
