/**
 * File names are bytes, and archives carry some that are not UTF-8. Such bytes travel in our strings as the lone
 * surrogates U+DC80 to U+DCFF (as Python's `surrogateescape` does), so that a name survives being a string.
 */
const escaped = /[\udc80-\udcff]/u;
const replacement = '\ufffd';

/** The bytes of a name as a string from which {@link encodeName} gives the same bytes again. */
export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes(replacement) && !Buffer.from(text).equals(bytes) ? decodeEscaping(bytes) : text;
}

export function encodeName(name: string): Buffer {
  if (!escaped.test(name)) return Buffer.from(name);
  const parts = name.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) - 0xdc00))),
  );
}

/** The name as Node's file functions want it: bytes only where a string would not say the same. */
export function fileName(name: string): string | Buffer {
  return escaped.test(name) ? encodeName(name) : name;
}

function decodeEscaping(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    text += length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

/** Length of the valid UTF-8 sequence that starts at `at`; 0 when none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const sequence = bytes.subarray(at, at + length);
  return Buffer.from(sequence.toString('utf8')).equals(sequence) ? length : 0;
}
