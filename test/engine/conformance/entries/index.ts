import type { Entry } from '../entry.js';
import { isolation } from './isolation.js';
import { limits } from './limits.js';
import { namespaces } from './namespaces.js';
import { networks } from './networks.js';
import { processes } from './processes.js';
import { storage } from './storage.js';

/** Every entry, by theme. */
export const entries: readonly Entry[] = [
  ...processes,
  ...networks,
  ...storage,
  ...isolation,
  ...namespaces,
  ...limits,
];
