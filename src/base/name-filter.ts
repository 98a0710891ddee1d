/**
 * Whether a name passes a filter of the Engine API: it is the value, or the value is a regular expression found in it.
 * A value that is no regular expression passes nothing else, as in dockerd.
 */
export function passesNameFilter(value: string, name: string): boolean {
  if (value === name) return true;
  try {
    return new RegExp(value).test(name);
  } catch {
    return false;
  }
}
