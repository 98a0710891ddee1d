/** Texts for durations and sizes, read and written as docker compose does. */

const nanosPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};

/** Nanoseconds of a duration such as `1m30s` or `1.5h`; undefined when it is none. */
export function parseDuration(text: string): bigint | undefined {
  const sign = text.startsWith('-') ? -1n : 1n;
  let rest = text.replace(/^[-+]/, '');
  if (rest === '0') return 0n;
  if (rest === '') return undefined;
  let total = 0n;
  while (rest !== '') {
    const match = /^(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h|d|w)/.exec(rest);
    if (!match) return undefined;
    const [whole, digits = '', fraction = '', unit = ''] = match;
    if (digits === '' && fraction === '') return undefined;
    const scale = nanosPerUnit[unit] ?? 1n;
    total += BigInt(digits || '0') * scale;
    if (fraction !== '') total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    rest = rest.slice(whole.length);
  }
  return total >= 2n ** 63n ? undefined : sign * total;
}

/** A duration in Go's form: `1m30s`, `500ms`, `0s`. */
export function durationText(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  if (nanos < 0n) return `-${durationText(-nanos)}`;
  if (nanos < 1_000n) return `${nanos}ns`;
  if (nanos < 1_000_000n) return `${decimal(nanos, 1_000n)}µs`;
  if (nanos < 1_000_000_000n) return `${decimal(nanos, 1_000_000n)}ms`;
  const hours = nanos / 3_600_000_000_000n;
  const minutes = (nanos / 60_000_000_000n) % 60n;
  const seconds = `${decimal(nanos % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${minutes}m${seconds}` : seconds;
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`;
}

/** Sizes are 64-bit integers. */
const maxSize = 2 ** 63;

const sizeExponents: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5 };

/** Bytes of a size such as `64m`, `1.5GiB` or `1024`; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^([+]?[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?) ?([a-zA-Z]*)$/.exec(text);
  if (!match) return undefined;
  const [, digits = '', suffix = ''] = match;
  if (!/[0-9]/.test(digits)) return undefined;
  const size = Number(digits);
  if (!(size < maxSize)) return undefined;
  const unit = suffix.toLowerCase();
  if (unit === '' || unit === 'b') return Math.trunc(size);
  const exponent = sizeExponents[unit.charAt(0)];
  if (exponent === undefined || !['', 'b', 'ib'].includes(unit.slice(1))) return undefined;
  const bytes = Math.trunc(size * 1024 ** exponent);
  return bytes < maxSize ? bytes : undefined;
}

/** The shortest decimal that is the same 32-bit float. */
export function float32(value: number): number {
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(single.toPrecision(digits));
    if (Math.fround(candidate) === single) return candidate;
  }
  return single;
}

/** A command line split into words the way a shell would, without expanding anything; undefined when quotes do not close. */
export function splitCommand(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word = '';
  let started = false;
  let escaped = false;
  let quote: '"' | "'" | '`' | ')' | undefined;
  for (const character of line) {
    if (escaped) {
      word += character === 't' ? '\t' : character === 'n' ? '\n' : character;
      escaped = false;
      started = true;
      continue;
    }
    if (character === '\\' && quote !== "'") {
      escaped = true;
      continue;
    }
    if (/[ \t\r\n]/.test(character)) {
      if (quote !== undefined) word += character;
      else if (started) {
        words.push(word);
        word = '';
        started = false;
      }
      continue;
    }
    if (character === '"' || character === "'") {
      if (quote === undefined || quote === character) {
        quote = quote === undefined ? character : undefined;
        if (quote === undefined) started = true;
        continue;
      }
    } else if (character === '`' && (quote === undefined || quote === '`')) {
      quote = quote === undefined ? '`' : undefined;
    } else if (character === '(' && (quote === undefined || quote === ')')) {
      if (quote !== undefined || !word.endsWith('$')) return undefined;
      quote = ')';
    } else if (character === ')' && (quote === undefined || quote === ')')) {
      quote = quote === undefined ? ')' : undefined;
    } else if (quote === undefined && /[;&|<>]/.test(character)) {
      // A shell operator ends the command; a redirection takes its descriptor number along.
      if (character === '>' && /^[0-9]/.test(word)) started = false;
      break;
    }
    started = true;
    word += character;
  }
  if (escaped || quote !== undefined) return undefined;
  if (started) words.push(word);
  return words;
}
