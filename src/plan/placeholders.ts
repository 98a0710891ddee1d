/** A private-use character: no text that means something to an engine holds it, and JSON does not escape it. */
const mark = '\uE000';
const pattern = new RegExp(`${mark}step:(\\d+)${mark}`, 'g');

/** Stands in a request for an id that a step brings. */
export function idOfStep(step: number): string {
  return `${mark}step:${step}${mark}`;
}

/** Steps whose ids a value needs, without doubles. */
export function stepsNeededBy(value: unknown): number[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (!text.includes(mark)) return [];
  return [...new Set([...text.matchAll(pattern)].map(([, step]) => Number(step)))];
}

/** A copy with every placeholder replaced, in keys too. */
export function fillPlaceholders<T>(value: T, idOf: (step: number) => string): T;
export function fillPlaceholders(value: unknown, idOf: (step: number) => string): unknown {
  if (typeof value === 'string') return value.replace(pattern, (_, step: string) => idOf(Number(step)));
  if (Array.isArray(value)) return value.map((item) => fillPlaceholders<unknown>(item, idOf));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [fillPlaceholders(key, idOf), fillPlaceholders<unknown>(item, idOf)]),
  );
}
