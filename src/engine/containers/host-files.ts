import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname as hostName } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { ownNames } from '../networks/index.js';
import type { OciMount } from '../oci/index.js';
import type { Container } from './container.js';
import { invalidConfig } from './errors.js';
import type { ContainerRecord } from './record.js';
import { folderOf, type Room } from './room.js';

/** What a container's network says about names. */
export interface NamesInput {
  readonly resolvConf: string;
  readonly hostsLines: readonly string[];
  /** For `host-gateway` in extra hosts; empty when there is none. */
  readonly gateway: string;
}

/** As an address: the host, as the container reaches it. */
const hostGateway = 'host-gateway';
const fileNames = ['resolv.conf', 'hosts', 'hostname'] as const;

/**
 * Writes /etc/hosts, /etc/hostname and /etc/resolv.conf of a container. In place, not by rename: the files may be
 * mounted in containers that share its network.
 */
export function writeHostFiles(
  room: Pick<Room, 'dir'>,
  { id, config, hostConfig }: ContainerRecord,
  names: NamesInput,
): void {
  const folder = folderOf(room, id);
  const extra = (hostConfig.ExtraHosts ?? []).map((text) => extraHostLine(text, names.gateway));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o644 });
  write('hosts', [...names.hostsLines, ...extra, ''].join('\n'));
  write('hostname', `${config.Hostname ?? ''}\n`);
  write('resolv.conf', names.resolvConf);
}

/** Names its new addresses in /etc/hosts of a running container, which may have changed the file itself. */
export function addHostsLines(
  room: Pick<Room, 'dir'>,
  { id, config }: ContainerRecord,
  addresses: readonly string[],
): void {
  const names = ownNames(config.Hostname ?? '', config.Domainname ?? '').join(' ');
  changeHosts(room, id, (text) => {
    const gap = text === '' || text.endsWith('\n') ? '' : '\n';
    return `${text}${gap}${addresses.map((address) => `${address}\t${names}\n`).join('')}`;
  });
}

/** Takes the lines of addresses that it has lost away. */
export function removeHostsLines(
  room: Pick<Room, 'dir'>,
  { id, config }: ContainerRecord,
  addresses: readonly string[],
): void {
  const [whole] = ownNames(config.Hostname ?? '', config.Domainname ?? '');
  changeHosts(room, id, (text) =>
    text
      .split('\n')
      .filter((line) => {
        const [address = '', ...names] = line.split(/\s+/);
        return !(addresses.includes(address) && names[0] === whole);
      })
      .join('\n'),
  );
}

/** In place: it is mounted by itself. */
function changeHosts(room: Pick<Room, 'dir'>, id: string, change: (text: string) => string): void {
  const path = join(folderOf(room, id), 'hosts');
  writeFileSync(path, change(textOf(path)), { mode: 0o644 });
}

/** @throws `container/invalid-config` for what is neither `name:address` nor `name=address` */
export function checkExtraHost(text: string): void {
  const [, address] = splitExtraHost(text);
  if (address === hostGateway || isIP(address) !== 0) return;
  throw invalidConfig('ExtraHosts', `invalid IP address in add-host: "${address}"`);
}

function splitExtraHost(text: string): readonly [name: string, address: string] {
  const at = text.search(/[:=]/);
  if (at <= 0) throw invalidConfig('ExtraHosts', `bad format for add-host: "${text}"`);
  return [text.slice(0, at), text.slice(at + 1).replace(/^\[(.*)\]$/, '$1')];
}

function extraHostLine(text: string, gateway: string): string {
  const [name, address] = splitExtraHost(text);
  if (address !== hostGateway) return `${address}\t${name}`;
  if (gateway === '') throw invalidConfig('ExtraHosts', 'unable to derive the IP value for host-gateway');
  return `${gateway}\t${name}`;
}

/** Names as the host itself has them, for a container on the host's network. */
export function namesOfHost({ hostConfig }: ContainerRecord): NamesInput {
  const { Dns, DnsSearch, DnsOptions } = hostConfig;
  const own = [
    ...(Dns ?? []).map((server) => `nameserver ${server}`),
    ...((DnsSearch ?? []).length === 0 ? [] : [`search ${(DnsSearch ?? []).join(' ')}`]),
    ...((DnsOptions ?? []).length === 0 ? [] : [`options ${(DnsOptions ?? []).join(' ')}`]),
  ];
  const kept = textOf('/etc/resolv.conf')
    .split('\n')
    .filter((line) => {
      if (/^\s*nameserver\b/.test(line)) return (Dns ?? []).length === 0;
      if (/^\s*(search|domain)\b/.test(line)) return (DnsSearch ?? []).length === 0;
      return !/^\s*options\b/.test(line) || (DnsOptions ?? []).length === 0;
    });
  const hosts = textOf('/etc/hosts')
    .split('\n')
    .filter((line) => line !== '');
  return {
    resolvConf: `${[...own, ...kept].join('\n').trimEnd()}\n`,
    hostsLines: hosts.length === 0 ? ['127.0.0.1\tlocalhost', `127.0.1.1\t${hostName()}`] : hosts,
    gateway: '127.0.0.1',
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  }
}

/** The binds of the files, unless the user mounts something there; those of `owner` for who shares its network. */
export function hostFileMounts(room: Pick<Room, 'dir'>, { record }: Container, owner: string): OciMount[] {
  const taken = new Set(record.mounts.map(({ destination }) => destination));
  return fileNames
    .filter((name) => !taken.has(`/etc/${name}`))
    .map((name) => ({
      destination: `/etc/${name}`,
      type: 'bind',
      source: join(folderOf(room, owner), name),
      options: ['rbind', 'rprivate', record.hostConfig.ReadonlyRootfs === true ? 'ro' : 'rw'],
    }));
}
