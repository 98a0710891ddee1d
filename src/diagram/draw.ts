import type { Diagram } from './diagram.js';
import { renderDot } from './dot.js';
import { renderMermaid } from './mermaid.js';

export const diagramFormats = ['svg', 'dot', 'mermaid', 'json'] as const;
export type DiagramFormat = (typeof diagramFormats)[number];

/** The picture as text that ends with a line feed. Same diagram, same text. */
export async function drawDiagram(diagram: Diagram, format: DiagramFormat): Promise<string> {
  switch (format) {
    case 'svg':
      return (await import('./svg-picture.js')).renderSvg(diagram); // brings the layout library
    case 'dot':
      return renderDot(diagram);
    case 'mermaid':
      return renderMermaid(diagram);
    case 'json':
      return `${JSON.stringify(diagram, undefined, 2)}\n`;
  }
}
