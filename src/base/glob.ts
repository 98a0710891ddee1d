/** Thrown for a pattern Go's `filepath.Match` would refuse. */
export class BadPattern extends Error {}

const special = /[\\^$.*+?()[\]{}|/]/g;

/**
 * Go's `filepath.Match` as a regular expression over the whole text: `*` and `?` stop at slashes, `[a-z]` and `[^a]`
 * are classes, a backslash takes the next character as it is.
 * @throws BadPattern
 */
export function globToRegExp(pattern: string): RegExp {
  return new RegExp(`^${globSource(pattern, 'plain')}$`, 'su');
}

/** Whether a path has to be matched at all: without these characters it names one file. */
export function hasWildcards(pattern: string): boolean {
  return /[*?[\\]/.test(pattern);
}

/**
 * @param stars - `deep`: `**` matches any number of directories, as in `.dockerignore`
 * @throws BadPattern
 */
export function globSource(pattern: string, stars: 'plain' | 'deep'): string {
  let out = '';
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern.charAt(index);
    if (char === '*' && stars === 'deep' && pattern.charAt(index + 1) === '*') {
      index++;
      if (pattern.charAt(index + 1) === '/') index++;
      out += index + 1 >= pattern.length ? '.*' : '(?:.*/)?';
    } else if (char === '*') {
      out += '[^/]*';
    } else if (char === '?') {
      out += '[^/]';
    } else if (char === '[') {
      const { source, end } = characterClass(pattern, index);
      out += source;
      index = end;
    } else if (char === '\\') {
      if (index + 1 >= pattern.length) throw new BadPattern(`syntax error in pattern "${pattern}"`);
      out += pattern.charAt(++index).replace(special, '\\$&');
    } else {
      out += char.replace(special, '\\$&');
    }
  }
  return out;
}

/** `[...]` at `start`; `end` is its closing bracket. */
function characterClass(pattern: string, start: number): { source: string; end: number } {
  const bad = () => new BadPattern(`syntax error in pattern "${pattern}"`);
  let index = start + 1;
  const negated = pattern.charAt(index) === '^';
  if (negated) index++;
  let ranges = '';
  const one = (): string => {
    let char = pattern.charAt(index);
    if (char === '' || char === '-' || char === ']') throw bad();
    if (char === '\\') char = pattern.charAt(++index);
    if (char === '') throw bad();
    index++;
    return char;
  };
  const escaped = (char: string) => char.replace(/[\\\]^[-]/g, '\\$&');
  for (let first = true; first || pattern.charAt(index) !== ']'; first = false) {
    const low = one();
    if (pattern.charAt(index) !== '-') {
      ranges += escaped(low);
      continue;
    }
    index++;
    const high = one();
    if (low <= high) ranges += `${escaped(low)}-${escaped(high)}`;
  }
  // Like `*` and `?`, a class never matches a slash that it does not name.
  if (ranges === '') return { source: negated ? '[^/]' : '(?!)', end: index };
  return { source: negated ? `[^/${ranges}]` : `[${ranges}]`, end: index };
}
