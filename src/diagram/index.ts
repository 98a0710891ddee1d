/** Pictures of a project: SVG, DOT, Mermaid, JSON. */
export { describeDiagram } from './describe.js';
export type {
  Diagram,
  DiagramDependency,
  DiagramMount,
  DiagramNetwork,
  DiagramService,
  DiagramVolume,
} from './diagram.js';
export { drawDiagram, diagramFormats, type DiagramFormat } from './draw.js';
