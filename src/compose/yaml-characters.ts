export const tab = 0x09;
export const newline = 0x0a;
export const space = 0x20;
export const [hash, dash, colon, comma] = [0x23, 0x2d, 0x3a, 0x2c];
export const [openList, closeList, openMap, closeMap] = [0x5b, 0x5d, 0x7b, 0x7d];
export const [singleQuote, doubleQuote, backslash] = [0x27, 0x22, 0x5c];
export const [ampersand, asterisk, exclamation, question] = [0x26, 0x2a, 0x21, 0x3f];
export const [bar, greater] = [0x7c, 0x3e];

export function isBlank(code: number): boolean {
  return code === space || code === tab;
}

/** A blank, a line's end or the end of the text (NaN). */
export function endsWord(code: number): boolean {
  return !(code > space);
}

export function isFlowIndicator(code: number): boolean {
  return code === comma || code === openList || code === closeList || code === openMap || code === closeMap;
}
