import { isIP } from 'node:net';

/** 4 or 16 bytes in network order. @throws Error when `text` is not an address */
export function addressBytes(text: string): Buffer {
  const family = isIP(text);
  if (family === 4) return Buffer.from(text.split('.').map(Number));
  if (family !== 6) throw new Error(`not an IP address: ${text}`);
  return ipv6Bytes(text.split('%', 1)[0] ?? text);
}

function ipv6Bytes(text: string): Buffer {
  const dotted = text.lastIndexOf(':') + 1;
  const tail = text.slice(dotted);
  const groupsText = tail.includes('.') ? `${text.slice(0, dotted)}${groupsOfIpv4(tail)}` : text;
  const [head = '', rest] = groupsText.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const bytes = Buffer.alloc(16);
  [...left, ...zeros, ...right].forEach((group, index) => bytes.writeUInt16BE(parseInt(group, 16), index * 2));
  return bytes;
}

function groupsOfIpv4(text: string): string {
  const bytes = addressBytes(text);
  return `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`;
}

/** Dotted, or as RFC 5952 wants IPv6 written. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const view = Buffer.from(bytes);
  const groups = Array.from({ length: 8 }, (_, index) => view.readUInt16BE(index * 2).toString(16));
  const run = longestZeroRun(groups);
  if (run === undefined) return groups.join(':');
  return `${groups.slice(0, run.from).join(':')}::${groups.slice(run.from + run.length).join(':')}`;
}

function longestZeroRun(groups: readonly string[]): { from: number; length: number } | undefined {
  let best: { from: number; length: number } | undefined;
  for (let from = 0; from < groups.length;) {
    let length = 0;
    while (groups[from + length] === '0') length += 1;
    if (length > 1 && length > (best?.length ?? 0)) best = { from, length };
    from += Math.max(length, 1);
  }
  return best;
}
