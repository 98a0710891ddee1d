export { relay, type NotRelayed } from './client.js';
export { isRelayOff, relayedCommands, relaySocket } from './place.js';
export { endServer, serveCommands, type ServeOptions } from './server.js';
export { startServer } from './start.js';
export { worldOf } from './world.js';
export type { RelayedTerminal } from './terminal.js';
