export { openNetworks } from './open.js';
export type { Networks } from './contract.js';
export type { NetworkRecord } from './record.js';
export type { EndpointRequest, Sandbox, SandboxRequest } from './sandbox.js';
export { addressLiesIn } from './subnet.js';
export { parseLink } from './sandbox-requests.js';
export { networkNotFound } from './errors.js';
export { ownNames } from './name-files.js';
