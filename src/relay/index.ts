export { relay } from './client.js';
export { isRelayOff, relayedCommands, relaySocket } from './place.js';
export { endServer, serveCommands } from './server.js';
export { startServer } from './start.js';
export { worldOf } from './world.js';
