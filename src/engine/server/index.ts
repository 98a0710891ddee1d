export { createEngineServer } from './server.js';
export type { EngineFacts, Rooms } from './rooms.js';
export { newestApi } from './version.js';
