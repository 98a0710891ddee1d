import type { KnownKeys, Validator } from '../schema-error.js';

export const v2_0: Validator;
export const v2_1: Validator;
export const v2_2: Validator;
export const v2_3: Validator;
export const v2_4: Validator;
export const v3_0: Validator;
export const v3_1: Validator;
export const v3_2: Validator;
export const v3_3: Validator;
export const v3_4: Validator;
export const v3_5: Validator;
export const v3_6: Validator;
export const v3_7: Validator;
export const v3_8: Validator;
export const knownKeys: KnownKeys;
