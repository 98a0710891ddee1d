import {
  conditionText,
  namedNetworks,
  originText,
  portTexts,
  type Diagram,
  type DiagramDependency,
  type DiagramService,
} from './diagram.js';

/** Graphviz DOT. Services are boxes, volumes cylinders; networks stand in the services. */
export function renderDot(diagram: Diagram): string {
  const named = new Set(namedNetworks(diagram).map(({ key }) => key));
  const lines = [
    `digraph ${quote(diagram.name)} {`,
    '  rankdir=LR;',
    '  node [shape=box, style=rounded, fontname="Helvetica,Arial,sans-serif", fontsize=12];',
    '  edge [fontname="Helvetica,Arial,sans-serif", fontsize=10];',
  ];
  for (const service of diagram.services) {
    lines.push(`  ${quote(`service ${service.name}`)} [label=${quote(serviceLabel(service, named))}];`);
  }
  for (const { key, external } of diagram.volumes) {
    const style = external ? 'dashed' : 'solid';
    lines.push(`  ${quote(`volume ${key}`)} [label=${quote(key)}, shape=cylinder, style=${style}];`);
  }
  for (const dependency of diagram.dependencies) {
    const ends = `${quote(`service ${dependency.from}`)} -> ${quote(`service ${dependency.to}`)}`;
    lines.push(`  ${ends} [label=${quote(dependencyLabel(dependency))}, style=${dependencyStyle(dependency)}];`);
  }
  for (const { service, volume, target, read_only: readOnly } of diagram.mounts) {
    const ends = `${quote(`service ${service}`)} -> ${quote(`volume ${volume}`)}`;
    const label = readOnly ? `${target} (read-only)` : target;
    lines.push(`  ${ends} [label=${quote(label)}, arrowhead=none, color=gray50, fontcolor=gray50];`);
  }
  return `${lines.join('\n')}\n}\n`;
}

/** `healthy`, with `, optional` when the project also runs without it. */
export function dependencyLabel({ condition, required }: DiagramDependency): string {
  return `${conditionText(condition)}${required ? '' : ', optional'}`;
}

/** Lines of a service: name, origin, ports, networks. */
export function serviceLines(service: DiagramService, named: ReadonlySet<string>): string[] {
  const { name, replicas, ports, networks, network_mode: mode } = service;
  const joined = networks.filter((key) => named.has(key));
  return [
    replicas === 1 ? name : `${name} × ${replicas}`,
    originText(service),
    portTexts(ports).join(', '),
    mode === undefined ? joined.join(', ') : `network ${mode}`,
  ].filter((line) => line !== '');
}

function serviceLabel(service: DiagramService, named: ReadonlySet<string>): string {
  return serviceLines(service, named).join('\n');
}

function dependencyStyle({ condition, required }: DiagramDependency): string {
  if (!required) return 'dotted';
  return condition === 'service_completed_successfully' ? 'dashed' : 'solid';
}

/** A quoted DOT text: backslashes start escapes, and Graphviz reads HTML entities in labels. */
function quote(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped.replace(/\p{Cc}/gu, ' ')}"`;
}
