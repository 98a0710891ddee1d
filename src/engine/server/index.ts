export { createEngineServer } from './server.js';
export type { EngineServer, ServerOptions } from './server.js';
export type { EngineFacts, Rooms } from './rooms.js';
export { newestApi } from './version.js';
