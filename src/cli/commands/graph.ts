import { selectServices } from '../../compose/index.js';
import { describeDiagram, diagramFormats, drawDiagram } from '../../diagram/index.js';
import { choiceOf } from '../choice.js';
import { defineCommand } from '../command.js';
import { flag, text, textOr } from '../flags.js';
import { writeOutput } from '../write-output.js';
import { requireProject, withFiles } from '../project.js';

export const graphCommand = defineCommand({
  details:
    'Services with images and ports, what they wait for, their networks and volumes. The SVG is made for a README;\n' +
    'dot is for Graphviz, mermaid for Markdown, json for programs. With services, only those and what they need.',
  usage: '[SERVICE...]',
  flags: {
    format: textOr('svg', 'svg, dot, mermaid or json', { placeholder: 'FORMAT', choices: diagramFormats }),
    noDeps: flag('Leave out what the services need'),
    output: text('Write to this file', { short: 'o', placeholder: 'FILE' }),
  },
  run: async ({ flags, args, context }) => {
    const format = choiceOf('--format', flags.format, diagramFormats);
    const loaded = await requireProject(context, { without: ['environment'] });
    withFiles(loaded).checkServices(args);
    const project = selectServices(loaded, args, { withDependencies: !flags.noDeps });
    const picture = await drawDiagram(describeDiagram(project), format);
    if (flags.output === undefined) context.terminal.stdout.write(picture);
    else writeOutput(context, flags.output, picture);
    return 0;
  },
});
