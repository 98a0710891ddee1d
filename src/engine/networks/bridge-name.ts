/** `tsc` and 12 digits: within the 15 bytes of a link's name, and found by the one rule for all our bridges. */
export function bridgeNameOf(id: string): string {
  return `tsc${id.slice(0, 12)}`;
}
