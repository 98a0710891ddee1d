import { resolve } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import { prepareArtifacts } from '../ci/artifacts.js';
import { ciHost } from '../ci/ci-host.js';
import { CiSession } from '../ci/session.js';
import { defineCommand } from '../command.js';
import { flag, integer, text } from '../flags.js';
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
    if (flags.test !== undefined && args.length > 0) throw invalid('--test', '--test and a command exclude each other');
    const attempts = flags.pullAttempts ?? defaultAttempts;
    if (attempts < 1) throw invalid('--pull-attempts', '--pull-attempts: at least one is needed');
    const { terminal } = context;
    const loaded = await requireProject(context);
    const named = flags.test === undefined ? [] : [flags.test];
    withFiles(loaded).checkServices(named);
    const artifacts = flags.artifacts === undefined ? undefined : resolve(terminal.cwd, flags.artifacts);
    const timeoutS = flags.timeout === undefined ? undefined : parseSeconds('--timeout', flags.timeout);
    if (artifacts !== undefined) await prepareArtifacts(artifacts);
    const session = new CiSession(context, {
      ...{ client: await context.engine(), project: enableNamed(loaded, named) },
      ...{ host: ciHost(terminal.stdout, terminal.environment), command: args, keep: flags.keep },
      ...{ test: flags.test, artifacts, timeoutS, attempts },
    });
    return await session.run();
  },
});

function invalid(argument: string, message: string): TscomposeError {
  return new TscomposeError({ code: 'usage/invalid', message, facts: { argument } });
}
