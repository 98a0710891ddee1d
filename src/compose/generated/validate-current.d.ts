import type { KnownKeys, Validator } from '../schema-error.js';

export const vcurrent: Validator;
export const knownKeys: KnownKeys;
