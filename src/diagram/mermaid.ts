import { namedNetworks, type Diagram } from './diagram.js';
import { dependencyLabel, serviceLines } from './dot.js';

/** A Mermaid flowchart, as Markdown of GitHub and GitLab shows it in a `mermaid` block. */
export function renderMermaid(diagram: Diagram): string {
  const named = new Set(namedNetworks(diagram).map(({ key }) => key));
  const services = new Map(diagram.services.map(({ name }, index) => [name, `s${index}`] as const));
  const volumes = new Map(diagram.volumes.map(({ key }, index) => [key, `v${index}`] as const));
  const lines = ['flowchart LR'];
  for (const service of diagram.services) {
    const label = serviceLines(service, named).map(escape).join('<br/>');
    lines.push(`  ${services.get(service.name) ?? ''}["${label}"]`);
  }
  for (const { key } of diagram.volumes) lines.push(`  ${volumes.get(key) ?? ''}[("${escape(key)}")]`);
  for (const dependency of diagram.dependencies) {
    const [from, to] = [services.get(dependency.from), services.get(dependency.to)];
    if (from === undefined || to === undefined) continue;
    const arrow = dependency.required ? '-->' : '-.->';
    lines.push(`  ${from} ${arrow}|"${dependencyLabel(dependency)}"| ${to}`);
  }
  for (const { service, volume, read_only: readOnly } of diagram.mounts) {
    const [from, to] = [services.get(service), volumes.get(volume)];
    if (from === undefined || to === undefined) continue;
    lines.push(readOnly ? `  ${from} ---|"read-only"| ${to}` : `  ${from} --- ${to}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Mermaid's entity codes, for what would end the text or be read as HTML, Markdown or a code itself. */
function escape(text: string): string {
  return text.replace(/["&<>#;`\\\p{Cc}]/gu, (character) => `#${character.codePointAt(0) ?? 32};`);
}
