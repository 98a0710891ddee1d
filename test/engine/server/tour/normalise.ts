import type { Outcome } from './tour-file.js';

/** What differs from run to run and from machine to machine, and the word that stands for it. In this order. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, '<id>'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d| [+-]\d{4} \w+)/g, '<time>'],
  [/\b(?:Less than a second|About an? (?:minute|hour)|\d+ (?:second|minute|hour)s?)\b/g, '<span>'],
  [/\b(?:172\.(?:1[6-9]|2\d|3[01])|192\.168)\.\d+\.\d+\b/g, '<address>'],
  [/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, '<mac>'],
  [/(0\.0\.0\.0|\[?::\]?|127\.0\.0\.1):(?:3[2-9]|4\d|5\d|6[0-5])\d{3}\b/g, '$1:<port>'],
  [/\b\d+(?:\.\d+)?(?:k|M|G|Ki|Mi|Gi)?B\b/g, '<size>'],
  [/\b(?:crun|runc) create failed\b/g, '<runtime> create failed'],
  [/^Docker Desktop|^What's next:[^]*/gm, ''],
];

/** @param places - folders and sockets of this engine, and the names they are given */
export function normalise(outcome: Outcome, places: Readonly<Record<string, string>>): Outcome {
  const text = (raw: string) => {
    let shown = raw.replaceAll('\r\n', '\n');
    for (const [place, name] of Object.entries(places)) shown = shown.replaceAll(place, name);
    for (const [expression, word] of rules) shown = shown.replace(expression, word);
    return shown
      .split('\n')
      .map((line) => line.replace(/(?<=\S) {2,}/g, '  '))
      .join('\n');
  };
  return { stdout: text(outcome.stdout), stderr: text(outcome.stderr), exitCode: outcome.exitCode };
}
