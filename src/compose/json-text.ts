/**
 * JSON as docker compose (Go) writes it: indented by two, keys in the order given, `<`, `>`, `&` and the two line
 * separators escaped, whole numbers of any size. `indent` 0 gives the compact form.
 */
export function jsonText(value: unknown, indent = 2): string {
  return write(value, '', ' '.repeat(indent));
}

function write(value: unknown, margin: string, step: string): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string' || value instanceof String) return quote(value.valueOf());
  if (typeof value === 'number' || value instanceof Number) return JSON.stringify(Number(value));
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') throw new Error(`bug: a ${typeof value} has no JSON form`);
  const inner = margin + step;
  const [open, close] = step === '' ? ['', ''] : [`\n${inner}`, `\n${margin}`];
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${open}${value.map((item) => write(item, inner, step)).join(`,${open}`)}${close}]`;
  }
  const members = Object.entries(value);
  if (members.length === 0) return '{}';
  const colon = step === '' ? ':' : ': ';
  return `{${open}${members.map(([key, member]) => `${quote(key)}${colon}${write(member, inner, step)}`).join(`,${open}`)}${close}}`;
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
