/** Whether `if` takes the value as true (text/template, "Actions"): not false, 0, nil or empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/** As Go's `%v` prints it: `[a b]` for a list, `{a b}` for a struct. */
export function show(value: unknown, inner = false): string {
  if (value === undefined || value === null) return inner ? '<nil>' : '<no value>';
  if (Array.isArray(value)) return `[${value.map((one) => show(one, true)).join(' ')}]`;
  if (typeof value === 'object') {
    return `{${Object.values(value)
      .map((one) => show(one, true))
      .join(' ')}}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Go's `fmt.Sprint`: a space between operands when neither is a text. */
export function print(values: readonly unknown[]): string {
  return values
    .map((value, index) => {
      const before = values[index - 1];
      return index > 0 && typeof value !== 'string' && typeof before !== 'string' ? ` ${show(value)}` : show(value);
    })
    .join('');
}

/** The verbs of Go's `fmt.Sprintf` that make sense of texts, numbers and truth. */
export function printf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width, precision, verb) => {
      if (verb === '%') return '%';
      if (next >= values.length) return `%!${String(verb)}(MISSING)`;
      const shown = formatted(
        String(verb),
        values[next++],
        precision === undefined ? undefined : Number(precision),
        flags,
      );
      return padded(shown, Number(width ?? 0), flags);
    },
  );
  if (next >= values.length) return text;
  return `${text}%!(EXTRA ${values
    .slice(next)
    .map((value) => `${goType(value)}=${show(value)}`)
    .join(', ')})`;
}

function formatted(verb: string, value: unknown, precision: number | undefined, flags: string): string {
  const wrong = `%!${verb}(${goType(value)}=${show(value)})`;
  const sign = typeof value === 'number' && value >= 0 && flags.includes('+') ? '+' : '';
  switch (verb) {
    case 'v':
      return `${sign}${show(value)}`;
    case 's':
      if (typeof value === 'number' || typeof value === 'boolean') return wrong;
      return precision === undefined ? show(value) : Array.from(show(value)).slice(0, precision).join('');
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : wrong;
    case 'd':
      return typeof value === 'number' && Number.isInteger(value) ? `${sign}${value}` : wrong;
    case 'x':
    case 'X':
    case 'o':
    case 'b': {
      const base = { x: 16, X: 16, o: 8, b: 2 }[verb];
      const digits =
        typeof value === 'string'
          ? Buffer.from(value).toString('hex')
          : typeof value === 'number'
            ? value.toString(base)
            : wrong;
      return verb === 'X' ? digits.toUpperCase() : digits;
    }
    case 'f':
    case 'F':
      return typeof value === 'number' ? `${sign}${value.toFixed(precision ?? 6)}` : wrong;
    case 'c':
      return typeof value === 'number' ? String.fromCodePoint(value) : wrong;
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong;
    case 'T':
      return goType(value);
    default:
      return wrong;
  }
}

function padded(text: string, width: number, flags: string): string {
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function goType(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return Number.isInteger(value) ? 'int' : 'float64';
    case 'boolean':
      return 'bool';
    default:
      return value === undefined || value === null ? '<nil>' : Array.isArray(value) ? '[]interface {}' : 'struct';
  }
}
