export { edgesOf, parseLink, parseVolumesFrom, sharedService, type DependencyEdge } from './edges.js';
export { checkHostPorts } from './host-ports.js';
export { dependenciesOf, dependentsOf, startOrder } from './order.js';
export { replicasOf } from './replicas.js';
export { buildGraph, type ServiceGraph } from './service-graph.js';
