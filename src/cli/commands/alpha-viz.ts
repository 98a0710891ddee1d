import { invalidUsage } from '../../base/invalid-usage.js';
import type { Project, Service } from '../../compose/index.js';
import { buildGraph } from '../../graph/index.js';
import { imageOf } from '../../plan/index.js';
import { defineCommand } from '../command.js';
import { flag, integer } from '../flags.js';
import { requireProject } from '../project.js';

export const alphaVizCommand = defineCommand({
  usage: '',
  flags: {
    image: flag('Show images'),
    indentationSize: integer('Tabs or spaces before a line; the default is 1'),
    networks: flag('Show networks'),
    ports: flag('Show ports'),
    spaces: flag('Indent with spaces'),
  },
  relayable: () => true,
  run: async ({ flags, context }) => {
    const { indentationSize = 1 } = flags;
    if (indentationSize < 0) {
      throw invalidUsage('--indentation-size', `invalid indentation size: ${indentationSize}`);
    }
    const project = await requireProject(context);
    const indent = (flags.spaces ? ' ' : '\t').repeat(indentationSize);
    const graph = buildGraph(project);
    const nodes = Object.entries(project.model.services).map(
      ([name, service]) => `"${name}" [style="filled" label=<${label(project, name, service, flags)}>];`,
    );
    const edges = graph.services.flatMap((from) => graph.needs(from).map(({ to }) => `"${from}" -> "${to}";`));
    const lines = (texts: readonly string[]): string => texts.map((text) => `${indent}${text}\n`).join('');
    const body = `${lines(['layout=dot;', ...nodes])}\n${lines(edges)}`;
    context.terminal.stdout.write(`digraph "${project.name}" {\n${body}}\n\n`);
    return 0;
  },
});

interface Shown {
  readonly image: boolean;
  readonly networks: boolean;
  readonly ports: boolean;
}

/** In Graphviz's HTML. */
function label(project: Project, name: string, service: Service, shown: Shown): string {
  const ports = (service.ports ?? []).map(
    ({ host_ip: ip, published = '', target, protocol = '', mode = '' }) =>
      `${ip === undefined ? '' : `${ip}:`}${published}:${target} (${protocol}, ${mode})`,
  );
  return [
    `<font point-size="15">${name}</font>`,
    ...(shown.networks ? part('Networks', Object.keys(service.networks ?? {})) : []),
    ...(shown.ports ? part('Ports', ports) : []),
    ...(shown.image ? part('Image', [imageOf(project, name, service)]) : []),
  ].join('');
}

function part(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  return [`<font point-size="10"><br/><br/><b>${title}:</b>${lines.map((line) => `<br/>${line}`).join('')}</font>`];
}
