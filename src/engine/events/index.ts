export { createEventHub } from './hub.js';
export type { EventHub, EventQuery, NewEvent } from './hub.js';
