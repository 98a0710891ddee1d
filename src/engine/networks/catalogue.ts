import { randomBytes } from 'node:crypto';
import type { IpamPool, NetworkCreateRequest } from '../../api/network.js';
import { TscomposeError } from '../../base/errors.js';
import type { Records } from '../store/index.js';
import { bridgeNameOf } from './bridge-name.js';
import { readBridgeOptions, readMtu } from './bridge-options.js';
import { configurationOf, withConfiguration } from './configuration.js';
import { invalid, networkNotFound } from './errors.js';
import { checkedPools } from './ipam-config.js';
import { readParent } from './parents.js';
import { chooseSubnet, uniqueLocalSubnet } from './pools.js';
import type { NetworkRange, NetworkRecord, ParentLink } from './record.js';
import { addressOf, contains, overlaps, parseSubnet, subnetText, type Subnet } from './subnet.js';

export interface HostRange {
  readonly subnet: Subnet;
  readonly link: string;
}

/** What of the host's addresses is spoken for. */
export interface HostRanges {
  /** Of its links, with their names. */
  readonly links: readonly HostRange[];
  /** Where its routes lead, without default routes. */
  readonly routes: readonly HostRange[];
  /** MTU of the link of the default route. */
  readonly mtu: number;
}

/** A range of a network which the host uses too, on this link. */
export interface Clash {
  readonly range: NetworkRange;
  readonly link: string;
}

/** What a network can be made with. */
const userDrivers = ['bridge', 'macvlan', 'ipvlan'] as const;

const predefinedNames = ['bridge', 'host', 'none'] as const;

/** The networks of an engine as records; the kernel knows nothing of this. */
export class Catalogue {
  readonly #records: Records<NetworkRecord>;
  readonly #hostRanges: () => HostRanges;
  readonly #creating = new Set<string>();

  constructor(records: Records<NetworkRecord>, hostRanges: () => HostRanges) {
    this.#records = records;
    this.#hostRanges = hostRanges;
  }

  /** Makes `bridge`, `host` and `none` where they are missing. */
  async ensurePredefined(): Promise<void> {
    const present = new Set(this.list().map(({ name }) => name));
    for (const name of predefinedNames) if (!present.has(name)) await this.#put(this.#predefined(name));
  }

  /** Sorted by name. */
  list(): readonly NetworkRecord[] {
    return this.#staying().toSorted((left, right) => (left.name < right.name ? -1 : 1));
  }

  get(id: string): NetworkRecord | undefined {
    return this.#going.has(id) ? undefined : this.#records.get(id);
  }

  /** @throws `network/not-found`, `network/ambiguous` */
  resolve(reference: string): NetworkRecord {
    const all = this.#staying();
    const exact = all.find(({ id }) => id === reference) ?? all.find(({ name }) => name === reference);
    if (exact !== undefined) return exact;
    const [first, second] = reference === '' ? [] : all.filter(({ id }) => id.startsWith(reference));
    if (second !== undefined) {
      const message = `several networks have an id that begins with ${reference}`;
      throw new TscomposeError({ code: 'network/ambiguous', message, facts: { reference } });
    }
    if (first !== undefined) return first;
    throw networkNotFound(reference);
  }

  async create(asked: NetworkCreateRequest): Promise<NetworkRecord> {
    const { Name: name } = asked;
    if (name.trim() === '') throw invalid('a network needs a name');
    if (name === 'default' || predefinedNames.some((word) => word === name)) {
      const message = `operation is not permitted on predefined ${name} network`;
      throw new TscomposeError({ code: 'network/predefined', message, facts: { name } });
    }
    const request = withConfiguration(asked, this.list());
    const driver = request.Driver === undefined || request.Driver === '' ? 'bridge' : request.Driver;
    if (driver === 'host' || driver === 'null') throw invalid(`only one instance of "${driver}" network is allowed`);
    const known = userDrivers.find((one) => one === driver);
    const addresses = request.IPAM?.Driver ?? 'default';
    if (known === undefined || addresses !== 'default') {
      const missing = known === undefined ? driver : addresses;
      const message = `plugin ${JSON.stringify(missing)} not found`;
      throw new TscomposeError({ code: 'network/driver-missing', message, facts: { driver: missing } });
    }
    const existing = this.list().find((network) => network.name === name);
    if (existing !== undefined || this.#creating.has(name)) {
      throw new TscomposeError({
        code: 'network/name-in-use',
        message: `network with name ${name} already exists`,
        facts: { name, networkId: existing?.id ?? '' },
      });
    }
    this.#creating.add(name);
    try {
      if (request.ConfigOnly === true) checkedPools(request.IPAM?.Config ?? [], request.EnableIPv6 === true);
      const record =
        request.ConfigOnly === true
          ? settingsOnly(newId(), name, request)
          : this.#requested(newId(), name, known, request);
      await this.#put(record);
      return record;
    } finally {
      this.#creating.delete(name);
    }
  }

  /** Out of sight at once, before anything waits for the disk. */
  async remove({ id }: NetworkRecord): Promise<void> {
    this.#going.add(id);
    try {
      await this.#records.delete(id);
    } finally {
      this.#going.delete(id);
    }
  }

  /** Which of a network's ranges the host has come to use for something else: links and routes but those of its bridge. */
  clashes(record: NetworkRecord): readonly Clash[] {
    const host = this.#hostRanges();
    const foreign = [...host.links, ...host.routes].filter(({ link }) => link !== record.bridgeName);
    return record.ranges.flatMap((range) => {
      const subnet = parseSubnet(range.subnet);
      const rival = foreign.find((other) => overlaps(other.subnet, subnet));
      return rival === undefined ? [] : [{ range, link: rival.link }];
    });
  }

  /**
   * The record with fresh ranges where those that the engine chose have been taken by the host meanwhile (another
   * engine, a VPN); for a network that nothing runs on. Ranges of IPv6 are nobody else's.
   * @returns the record itself where nothing was lost; `clashes` are those that remain
   */
  async refresh(
    record: NetworkRecord,
  ): Promise<{ readonly record: NetworkRecord; readonly clashes: readonly Clash[] }> {
    const all = this.clashes(record);
    const lost = all.map(({ range }) => range).filter(({ automatic, subnet }) => automatic && !subnet.includes(':'));
    if (lost.length === 0) return { record, clashes: all };
    const fresh = {
      ...record,
      ranges: record.ranges.map((range) =>
        lost.includes(range) ? this.#automaticRange(record.predefined, record.id) : range,
      ),
    };
    await this.#put(fresh);
    return { record: fresh, clashes: all.filter(({ range }) => !lost.includes(range)) };
  }

  async #put(record: NetworkRecord): Promise<void> {
    this.#reserved.set(record.id, record);
    try {
      await this.#records.put(record.id, record, 'durable');
    } finally {
      this.#reserved.delete(record.id);
    }
  }

  /** Records on their way to the disk, whose ranges are taken already. */
  readonly #reserved = new Map<string, NetworkRecord>();
  /** Ids of those whose records are being removed. */
  readonly #going = new Set<string>();

  #staying(): readonly NetworkRecord[] {
    return this.#records.list().filter(({ id }) => !this.#going.has(id));
  }

  /** What nobody else can have now: of networks that come, are and go. */
  #holders(): readonly NetworkRecord[] {
    return [...this.#records.list(), ...this.#reserved.values()];
  }

  #taken(exceptId: string): Subnet[] {
    const records = this.#holders().filter(({ id }) => id !== exceptId);
    return records.flatMap(({ ranges }) => ranges.map(({ subnet }) => parseSubnet(subnet)));
  }

  #automaticRange(predefined: boolean, id: string, host = this.#hostRanges()): NetworkRange {
    const taken = [...this.#taken(id), ...[...host.links, ...host.routes].map(({ subnet }) => subnet)];
    const subnet = chooseSubnet(taken, predefined ? 'predefined' : 'user');
    return { subnet: subnetText(subnet), gateway: addressOf(subnet, 1n), auxiliary: {}, automatic: true };
  }

  #predefined(name: (typeof predefinedNames)[number]): NetworkRecord {
    const id = newId();
    const bridge = name === 'bridge';
    return {
      ...{ id, name, created: now(), predefined: true, internal: false, attachable: false, enableIPv6: false },
      driver: name === 'none' ? 'null' : name,
      ranges: bridge ? [this.#automaticRange(true, id)] : [],
      ...{ ipamDriver: 'default', ipamOptions: null, labels: {} },
      options: bridge ? defaultBridgeOptions(bridgeNameOf(id)) : {},
      bridgeName: bridge ? bridgeNameOf(id) : '',
      mtu: bridge ? this.#hostRanges().mtu : 0,
    };
  }

  #requested(
    id: string,
    name: string,
    driver: (typeof userDrivers)[number],
    request: NetworkCreateRequest,
  ): NetworkRecord {
    const options = { ...request.Options };
    const parent = driver === 'bridge' ? undefined : this.#parent(driver, options);
    const host = this.#hostRanges(); // read once: every link of the host is in it
    const enableIPv6 = request.EnableIPv6 === true;
    const configs = checkedPools(request.IPAM?.Config ?? [], enableIPv6);
    const ranges = configs.map((config) => this.#userRange(config, parent === undefined ? host.links : []));
    const enableIPv4 = request.EnableIPv4 !== false;
    if (!enableIPv4 && !enableIPv6) throw invalid('IPv4 or IPv6 must be enabled');
    checkTogether(ranges, driver);
    const internal = request.Internal === true;
    const bridge = parent === undefined ? readBridgeOptions(options, { internal }) : undefined;
    const asked = bridge?.name ?? '';
    const rival = asked === '' ? undefined : this.#holders().find(({ bridgeName }) => bridgeName === asked);
    if (rival !== undefined) {
      const why = `conflicts with network ${rival.id} (${rival.name}): networks have same bridge name`;
      throw invalid(`cannot create network ${id} (${asked}): ${why}`);
    }
    const hasIpv4 = ranges.some(({ subnet }) => !subnet.includes(':'));
    if (hasIpv4 && !enableIPv4) throw invalid('an IPv4 subnet needs IPv4, which is off', 'remove enable_ipv4: false');
    if (!hasIpv4 && enableIPv4) ranges.unshift(this.#automaticRange(false, id, host));
    if (enableIPv6 && !ranges.some(({ subnet }) => subnet.includes(':'))) {
      const subnet = uniqueLocalSubnet(id);
      ranges.push({ subnet: subnetText(subnet), gateway: addressOf(subnet, 1n), auxiliary: {}, automatic: true });
    }
    return {
      ...{ id, name, created: now(), driver, predefined: false, enableIPv6, options },
      internal,
      attachable: request.Attachable === true,
      ranges,
      ipamDriver: request.IPAM?.Driver ?? 'default',
      ipamOptions: request.IPAM?.Options ?? null,
      labels: { ...request.Labels },
      bridgeName: bridge === undefined ? '' : bridge.name === '' ? bridgeNameOf(id) : bridge.name,
      mtu: bridge === undefined ? readMtu(options) : bridge.mtu === 0 ? host.mtu : bridge.mtu,
      ...(enableIPv4 ? {} : { enableIPv4 }),
      ...(parent === undefined ? {} : { parent }),
      ...(request.ConfigFrom?.Network ? { configFrom: request.ConfigFrom.Network } : {}),
    };
  }

  /** @throws `network/invalid`, also when another network has the parent already */
  #parent(driver: 'macvlan' | 'ipvlan', options: Readonly<Record<string, string>>): ParentLink {
    const parent = readParent(driver, options);
    const rival = this.#holders().find((network) => network.parent?.link === parent.link);
    if (rival === undefined) return parent;
    throw invalid(`network ${rival.name} is already using parent interface ${parent.link}`);
  }

  /** @param hostLinks - none for a network on a parent link: its subnet is what such a network is usually for */
  #userRange(config: IpamPool, hostLinks: readonly HostRange[]): NetworkRange {
    const subnet = parseSubnet(config.Subnet ?? '');
    const text = subnetText(subnet);
    const overlap = (other: string): TscomposeError =>
      new TscomposeError({
        code: 'network/overlap',
        message: `Pool overlaps with other one on this address space: ${text} overlaps ${other}`,
        facts: { subnet: text, other },
        hint: 'choose another subnet, or remove what uses it',
      });
    const rival = this.#holders().find(({ ranges }) =>
      ranges.some((range) => overlaps(parseSubnet(range.subnet), subnet)),
    );
    if (rival !== undefined) throw overlap(`network ${rival.name}`);
    const link = hostLinks.find((other) => overlaps(other.subnet, subnet));
    if (link !== undefined) throw overlap(`the addresses of link ${link.link}`);
    const range = (config.IPRange ?? '') === '' ? undefined : parseSubnet(config.IPRange ?? '');
    const auxiliary = { ...config.AuxiliaryAddresses };
    // The first address that is handed out, as Docker does; a subnet's own address is never handed out.
    const lowest = range === undefined || range.first === subnet.first ? 1n : 0n;
    const gateway = (config.Gateway ?? '') === '' ? addressOf(range ?? subnet, lowest) : (config.Gateway ?? '');
    if (!contains(subnet, gateway)) throw invalid(`no matching subnet for gateway ${gateway}`); // of one address
    return {
      subnet: text,
      gateway,
      auxiliary,
      automatic: false,
      ...(range === undefined ? {} : { ipRange: subnetText(range) }),
    };
  }
}

function settingsOnly(id: string, name: string, request: NetworkCreateRequest): NetworkRecord {
  return {
    ...{ id, name, created: now(), driver: 'null', predefined: false, internal: false, attachable: false },
    enableIPv6: request.EnableIPv6 === true,
    ranges: [],
    ...{ ipamDriver: 'default', ipamOptions: request.IPAM?.Options ?? null, bridgeName: '', mtu: 0 },
    ...{ options: { ...request.Options }, labels: { ...request.Labels } },
    configuration: configurationOf(request),
  };
}

/** @throws `network/invalid`, in dockerd's words */
function checkTogether(ranges: readonly NetworkRange[], driver: string): void {
  for (const [index, range] of ranges.entries()) {
    const before = ranges.slice(0, index);
    if (before.some((other) => overlaps(parseSubnet(other.subnet), parseSubnet(range.subnet)))) {
      throw invalid('multiple overlapping subnet configuration is not supported');
    }
    if (driver === 'bridge' && before.some((other) => sameFamily(other, range))) {
      throw invalid("bridge driver doesn't support multiple subnets");
    }
  }
}

function sameFamily(left: NetworkRange, right: NetworkRange): boolean {
  return left.subnet.includes(':') === right.subnet.includes(':');
}

function newId(): string {
  return randomBytes(32).toString('hex');
}

function now(): string {
  const fraction = (process.hrtime.bigint() % 1_000_000n).toString().padStart(6, '0');
  return new Date().toISOString().replace('Z', `${fraction}Z`);
}

function defaultBridgeOptions(bridgeName: string): Record<string, string> {
  return {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': bridgeName,
    'com.docker.network.driver.mtu': '1500',
  };
}
