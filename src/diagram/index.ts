/** Pictures of a project: SVG, DOT, Mermaid, JSON. */
export { describeDiagram } from './describe.js';
export type { Diagram } from './diagram.js';
export { drawDiagram, diagramFormats, type DiagramFormat } from './draw.js';
