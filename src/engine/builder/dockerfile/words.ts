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

/**
 * The JSON array that `text` starts with; undefined where there is none, which Docker takes as a shell command. As there
 * what follows the array does not count: people write comments behind it.
 */
export function leadingJsonArray(text: string): unknown[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]]/gsu)) {
    if (token === '[') depth++;
    if (token !== ']' || --depth > 0) continue;
    try {
      const value: unknown = JSON.parse(text.slice(0, index + 1));
      return Array.isArray(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** Words at white space, quotes without meaning. */
export function splitPlain(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
