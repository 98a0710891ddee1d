import { parseGoDuration } from '../base/go-duration.js';

/** Whole seconds as the engine takes them for grace periods: rounded, as docker compose does. */
export function durationS(text: string): number | undefined {
  const ns = parseGoDuration(text);
  return ns === undefined ? undefined : Math.round(ns / 1e9);
}

/** A decimal text of the model as a number; undefined for an absent or empty one. */
export function integer(text: string | number | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
