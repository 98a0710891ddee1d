import type { OciProcess, OciSpec } from './spec.js';

/** RLIM_INFINITY, 2^64-1, which no JavaScript number is. */
const infinity = '18446744073709551615';
/** The largest number below it, as JSON.stringify writes it. */
const nearly = JSON.stringify(18446744073709549568);

export function renderSpec(spec: OciSpec): string {
  return exact(JSON.stringify(spec));
}

export function renderProcess(process: OciProcess): string {
  return exact(JSON.stringify(process));
}

function exact(json: string): string {
  return json.replaceAll(`:${nearly}`, `:${infinity}`);
}
