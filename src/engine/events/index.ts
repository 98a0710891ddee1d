export { createEventHub, type EventHub } from './hub.js';
