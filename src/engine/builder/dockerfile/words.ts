/**
 * Splits at unquoted white space. Quotes and escapes stay in the words: taking them off is the work of `expandWord`,
 * which has to know them (Dockerfile reference, "Environment replacement").
 */
export function splitWords(text: string, escape: string): string[] {
  const words: string[] = [];
  let word = '';
  let inside = false;
  let quote = '';
  for (let index = 0; index < text.length; index++) {
    const char = text.charAt(index);
    if (quote === '' && /\s/.test(char)) {
      if (inside) words.push(word);
      word = '';
      inside = false;
      continue;
    }
    inside = true;
    word += char;
    if (char === escape && quote !== "'" && index + 1 < text.length) {
      word += text.charAt(++index);
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
    } else if (char === quote) {
      quote = '';
    }
  }
  if (inside) words.push(word);
  return words;
}

/** A JSON array of strings; undefined when `text` is not exactly that. */
export function parseStringArray(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Docker too takes what is not JSON as a shell command
  }
  if (!Array.isArray(value)) return undefined;
  const strings: string[] = [];
  for (const item of value) {
    if (typeof item !== 'string') return undefined;
    strings.push(item);
  }
  return strings;
}

/** Words at white space, quotes without meaning. */
export function splitPlain(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
