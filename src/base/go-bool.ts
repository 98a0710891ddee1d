const words = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false] as const),
]);

/** As Go's strconv.ParseBool; undefined for what is neither. */
export function parseBool(text: string): boolean | undefined {
  return words.get(text);
}

/** What Go says of such a text. */
export function notBool(text: string): string {
  return `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
}
