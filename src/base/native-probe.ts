import { messageOf } from './errors.js';

/**
 * Health checks that the engine runs itself, in the container's namespaces, instead of a program in the container:
 *
 *     ["HTTP", "GET :8080/health", "200-399"]   method and status are optional: GET, 200-399
 *     ["TCP", ":5432"]                          connects, and hangs up
 *     ["UNIX", "/run/app.sock"]                 the same, with a path in the container
 *     ["LOG", "ready to accept connections"]    a line of this run's output matches; then healthy for all of the run
 *
 * The host of an address is the container's own loopback unless an address is given, `127.0.0.1:80` or `[::1]:80`.
 */
export type NativeProbe =
  | {
      readonly kind: 'HTTP';
      readonly method: string;
      /** Undefined: the loopback, of either family. */
      readonly host: string | undefined;
      readonly port: number;
      /** With its query, beginning with a slash. */
      readonly path: string;
      /** Of the answer, both included. */
      readonly statuses: readonly (readonly [number, number])[];
    }
  | { readonly kind: 'TCP'; readonly host: string | undefined; readonly port: number }
  | { readonly kind: 'UNIX'; readonly path: string }
  | { readonly kind: 'LOG'; readonly pattern: RegExp };

/** What a health check says, read as one of ours; `problem` says what is wrong with it. */
export type ProbeReading =
  { readonly kind: 'native'; readonly probe: NativeProbe } | { readonly kind: 'invalid'; readonly problem: string };

/** Undefined for a check of another kind: `CMD`, `CMD-SHELL`, `NONE`, or one nobody knows. */
export function readNativeProbe(test: readonly string[]): ProbeReading | undefined {
  const [kind = '', ...words] = test;
  const reader = readers.get(kind);
  if (reader === undefined) return undefined;
  if (words.length < 1 || words.length > reader.mostWords || words.some((word) => word.trim() === '')) {
    return { kind: 'invalid', problem: `a health check of ${kind} is written ${reader.form}` };
  }
  const probe = reader.read(words);
  return typeof probe === 'string' ? { kind: 'invalid', problem: probe } : { kind: 'native', probe };
}

interface ProbeReader {
  /** After the kind. */
  readonly mostWords: number;
  readonly form: string;
  /** @returns the problem, where it is none */
  read(words: readonly string[]): NativeProbe | string;
}

const readers = new Map<string, ProbeReader>([
  ['HTTP', { mostWords: 2, form: '["HTTP", "GET :8080/health", "200-399"]', read: readHttp }],
  ['TCP', { mostWords: 1, form: '["TCP", ":5432"]', read: ([address = '']) => readTcp(address) }],
  ['UNIX', { mostWords: 1, form: '["UNIX", "/run/app.sock"]', read: ([path = '']) => readUnix(path) }],
  ['LOG', { mostWords: 1, form: '["LOG", "regular expression"]', read: ([pattern = '']) => readLog(pattern) }],
]);

function readHttp([request = '', statuses = '200-399']: readonly string[]): NativeProbe | string {
  const [, method = 'GET', authority = '', path = ''] =
    /^(?:([A-Z]+)\s+)?([^/\s]*)(\/\S*)?$/.exec(request.trim()) ?? [];
  const address = readAddress(authority);
  if (address === undefined) return `${request} is no HTTP request: write it as "GET :8080/health"`;
  const ranges = statuses.split(',').map(readStatusRange);
  const known = ranges.filter((range) => range !== undefined);
  if (known.length < ranges.length) return `${statuses} are no HTTP statuses: write them as "200-399" or "200,204"`;
  return { kind: 'HTTP', method, ...address, path: path === '' ? '/' : path, statuses: known };
}

function readStatusRange(text: string): readonly [number, number] | undefined {
  const [, first, last = first] = /^\s*(\d{3})(?:-(\d{3}))?\s*$/.exec(text) ?? [];
  return first === undefined || Number(first) > Number(last) ? undefined : [Number(first), Number(last)];
}

function readTcp(text: string): NativeProbe | string {
  const address = readAddress(text);
  return address === undefined ? `${text} is no address: write it as ":5432"` : { kind: 'TCP', ...address };
}

function readUnix(path: string): NativeProbe | string {
  return path.startsWith('/') ? { kind: 'UNIX', path } : `${path} is no absolute path in the container`;
}

function readLog(pattern: string): NativeProbe | string {
  try {
    return { kind: 'LOG', pattern: new RegExp(pattern, 'u') };
  } catch (error) {
    return messageOf(error);
  }
}

/** `:80`, `127.0.0.1:80`, `[::1]:80`, `localhost:80`. Names are not looked up: a probe is about the container itself. */
function readAddress(text: string): { readonly host: string | undefined; readonly port: number } | undefined {
  const [, six, four, portText] = /^(?:\[([0-9a-fA-F:.]+)\]|(localhost|[\d.]+)|):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (portText === undefined || port < 1 || port > 65_535) return undefined;
  const host = six ?? (four === 'localhost' ? undefined : four);
  if (host !== undefined && !isAddress(host)) return undefined;
  return { host, port };
}

function isAddress(text: string): boolean {
  if (text.includes(':')) return URL.canParse(`http://[${text}]/`);
  return /^\d+\.\d+\.\d+\.\d+$/.test(text) && text.split('.').every((byte) => Number(byte) < 256);
}
