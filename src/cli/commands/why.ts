import { postMortem } from '../../execute/index.js';
import { defineCommand } from '../command.js';
import { flag } from '../flags.js';
import { enableNamed, requireProject, withFiles } from '../project.js';
import { findingError } from '../render/finding.js';
import { errorText, machineForm } from '../report-error.js';

export const whyCommand = defineCommand({
  details:
    'For every container that does not run as it should: the cause as far as the engine knows it, who goes without ' +
    'because of it, its last probes and log lines, and the line of the compose file to look at.',
  usage: '[SERVICE...]',
  flags: { json: flag('As JSON, one object a finding') },
  relayable: () => true,
  run: async ({ flags, args, context }) => {
    const { terminal, signal } = context;
    const loaded = await requireProject(context);
    withFiles(loaded).checkServices(args);
    const project = enableNamed(loaded, args);
    const findings = (await postMortem(await context.engine(), project, args, signal)).map(findingError);
    if (flags.json) terminal.stdout.write(findings.map((one) => `${JSON.stringify(machineForm(one))}\n`).join(''));
    else if (findings.length === 0) terminal.stdout.write('nothing is wrong\n');
    else terminal.stdout.write(findings.map((one) => `${errorText(one, terminal.stdout, terminal)}\n`).join('\n'));
    return 0;
  },
});
