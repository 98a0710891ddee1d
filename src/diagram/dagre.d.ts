// What we use of dagre: its own declarations import files without an extension, which ESM resolution does not follow.
declare module '@dagrejs/dagre' {
  interface Node {
    readonly width: number;
    readonly height: number;
    /** Centre, once laid out. */
    readonly x?: number;
    readonly y?: number;
  }
  interface Edge {
    /** Once laid out. */
    readonly points?: readonly { readonly x: number; readonly y: number }[];
  }
  export class Graph {
    constructor(options: { readonly multigraph: boolean });
    setGraph(options: {
      readonly rankdir: 'LR';
      readonly nodesep: number;
      readonly edgesep: number;
      readonly ranksep: number;
      readonly ranker: 'network-simplex';
    }): void;
    setNode(id: string, node: Node): void;
    setEdge(from: string, to: string, edge: Edge, name: string): void;
    node(id: string): Node;
    edge(from: string, to: string, name: string): Edge;
  }
  export function layout(graph: Graph): void;
}
