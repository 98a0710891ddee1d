import type { Case } from '../case.js';
import { cases } from './cases.js';
import { configCases } from './config-cases.js';
import { moreCases } from './more-cases.js';
import { runCases } from './run-cases.js';
import { transferCases } from './transfer-cases.js';
import { variableCases } from './variable-cases.js';

/** Every form of the language that a Dockerfile and some files are enough for. */
export const allCases: readonly Case[] = [
  ...cases,
  ...moreCases,
  ...variableCases,
  ...transferCases,
  ...runCases,
  ...configCases,
];
