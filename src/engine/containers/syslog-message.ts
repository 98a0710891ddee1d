import type { ContainerRecord } from './record.js';
import type { SyslogTarget } from './syslog-options.js';

export interface MessageHead extends Pick<SyslogTarget, 'facility' | 'format'> {
  /** The rendered one. */
  readonly tag: string;
  readonly hostname: string;
  readonly pid: number;
}

const severities = { 1: 6, 2: 3 } as const; // what is said on stderr is an error, as with dockerd
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** One message with its newline: RFC 3164 or 5424, which the peer's daemon also gives its newline. */
export function renderSyslog(head: MessageHead, stream: 1 | 2, timeNs: bigint, text: Buffer): Buffer {
  const { facility, format, tag, hostname, pid } = head;
  const priority = `<${facility * 8 + severities[stream]}>`;
  const at = new Date(Number(timeNs / 1_000_000n));
  const begin =
    format === '' || format === 'rfc3164'
      ? `${priority}${stamp(at)} ${format === '' ? '' : `${hostname} `}${tag}[${pid}]: `
      : `${priority}1 ${rfc3339(at, format === 'rfc5424micro' ? timeNs : undefined)} ${hostname} ${tag} ${pid} ${tag} - `;
  return Buffer.concat([Buffer.from(begin), text, Buffer.from('\n')]);
}

/** `Nov  2 07:24:38`, in the host's time. */
function stamp(at: Date): string {
  const day = String(at.getDate()).padStart(2, ' ');
  return `${months[at.getMonth()] ?? ''} ${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** In the host's time with its offset; with six digits of a second when the nanoseconds are given. */
function rfc3339(at: Date, timeNs: bigint | undefined): string {
  const micro = timeNs === undefined ? '' : `.${String((timeNs / 1000n) % 1_000_000n).padStart(6, '0')}`;
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const offset = -at.getTimezoneOffset();
  const apart = Math.abs(offset);
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.floor(apart / 60))}:${two(apart % 60)}`;
  return `${date}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${micro}${zone}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Fills in `{{.ID}}` and the others that dockerd knows. @throws Error for one that it does not know */
export function renderTag(tag: string, { id, name, imageId, config }: ContainerRecord): string {
  const bare = imageId.replace(/^sha256:/, '');
  const known: Readonly<Record<string, string>> = {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: bare.slice(0, 12),
    ImageFullID: imageId,
    ImageName: config.Image ?? '',
    DaemonName: 'docker',
  };
  return tag.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_, field: string) => {
    const value = known[field];
    if (value === undefined) throw new Error(`template: log-tag: can't evaluate field ${field}`);
    return value;
  });
}
