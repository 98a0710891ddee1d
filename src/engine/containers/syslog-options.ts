import { existsSync } from 'node:fs';
import { invalidConfig } from './errors.js';

const syslogFormats = ['', 'rfc3164', 'rfc5424', 'rfc5424micro'] as const;
export type SyslogFormat = (typeof syslogFormats)[number];

/** The facilities of RFC 5424, by number. */
const facilities = `kern user mail daemon auth syslog lpr news uucp cron authpriv ftp _ _ _ _
  local0 local1 local2 local3 local4 local5 local6 local7`.split(/\s+/);
const defaultFacility = facilities.indexOf('daemon');
const defaultPort = 514;

/** Where messages go; `local` is whichever socket of this host there is. */
export type SyslogAddress =
  | { readonly kind: 'local' }
  | { readonly kind: 'unix' | 'unixgram'; readonly path: string }
  | { readonly kind: 'tcp' | 'udp'; readonly host: string; readonly port: number };

export interface SyslogTarget {
  readonly address: SyslogAddress;
  /** 0 to 23. */
  readonly facility: number;
  /** Empty: as dockerd writes when none is chosen, RFC 3164 without the host's name. */
  readonly format: SyslogFormat;
  /** With `{{.ID}}` and the like. */
  readonly tag: string;
}

/** Reads the driver's options for a container that is to be made. @throws as `readSyslogTarget`; also for no socket */
export function checkSyslogOptions(options: Readonly<Record<string, string>>): void {
  const { address } = readSyslogTarget(options);
  if ((address.kind === 'unix' || address.kind === 'unixgram') && !existsSync(address.path))
    throw invalidConfig('LogConfig', `stat ${address.path}: no such file or directory`);
}

/** Reads the driver's options, whether the daemon is there or not. @throws `container/invalid-config`, in dockerd's words */
export function readSyslogTarget(options: Readonly<Record<string, string>>): SyslogTarget {
  const { 'syslog-facility': facility = '', 'syslog-format': format = '', tag = '' } = options;
  const known = syslogFormats.find((one) => one === format);
  if (known === undefined) throw invalidConfig('LogConfig', 'Invalid syslog format');
  return {
    address: readAddress(options['syslog-address'] ?? ''),
    facility: readFacility(facility),
    format: known,
    tag: tag === '' ? '{{.ID}}' : tag,
  };
}

function readFacility(text: string): number {
  if (text === '') return defaultFacility;
  const named = text === '_' ? -1 : facilities.indexOf(text);
  const number = named >= 0 ? named : /^\d{1,2}$/.test(text) ? Number(text) : -1;
  if (number < 0 || number > 23) throw invalidConfig('LogConfig', 'invalid syslog facility');
  return number;
}

function readAddress(text: string): SyslogAddress {
  if (text === '') return { kind: 'local' };
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/.exec(text) ?? [];
  switch (scheme) {
    case 'unix':
    case 'unixgram':
      return { kind: scheme, path: rest };
    case 'tcp':
    case 'udp': {
      const [, six, host = six, port = String(defaultPort)] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(rest) ?? [];
      if (host === undefined || Number(port) > 65_535) {
        throw invalidConfig('LogConfig', `invalid syslog-address ${text}: write it as ${scheme}://host:port`);
      }
      return { kind: scheme, host: host === '' ? 'localhost' : host, port: Number(port) };
    }
    case 'tcp+tls':
      throw invalidConfig('LogConfig', 'this engine does not encrypt syslog messages: use tcp, udp or a local socket');
    default:
      throw invalidConfig('LogConfig', `unsupported scheme: '${scheme}'`);
  }
}
