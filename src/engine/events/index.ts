export { createEventHub } from './hub.js';
export type { EventHub } from './hub.js';
