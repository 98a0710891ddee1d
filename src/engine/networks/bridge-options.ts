import { isIP } from 'node:net';
import { notBool, parseBool } from '../../base/go-bool.js';
import { invalid } from './errors.js';

const prefix = 'com.docker.network.bridge.';

/**
 * How a network's containers are reached from outside, for one family of addresses. `nat`: at ports of the host.
 * `nat-unprotected`: at every port of theirs as well. `routed`: at their own addresses, the published ports alone, with
 * nothing translated. `isolated`, on internal networks: not even from the host, whose bridge has no address.
 */
export type GatewayMode = (typeof gatewayModes)[number];
const gatewayModes = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const;

/** What of a bridge network its options decide. */
export interface BridgeOptions {
  /** Empty: one that the engine makes up. */
  readonly name: string;
  /** Containers on it may talk to each other. */
  readonly communication: boolean;
  readonly masquerade: boolean;
  /** Where ports are published that name no address; undefined: everywhere. */
  readonly hostBinding: string | undefined;
  /** The bridge gets no IPv4 address. */
  readonly inhibitIpv4: boolean;
  readonly gatewayMode: Readonly<Record<4 | 6, GatewayMode>>;
  /** 0: as the link of the default route. */
  readonly mtu: number;
  /** Of the links inside, which are numbered. */
  readonly interfacePrefix: string;
}

/**
 * Reads the options of a bridge network; unknown ones are nobody's business, as with Docker.
 * @throws `network/invalid`, in dockerd's words
 */
export function readBridgeOptions(
  options: Readonly<Record<string, string>>,
  { internal }: { readonly internal: boolean },
): BridgeOptions {
  const flag = (name: string, fallback: boolean): boolean => readFlag(`${prefix}${name}`, options, fallback);
  flag('default_bridge', false);
  const name = options[`${prefix}name`] ?? '';
  if (name !== '' && !/^[a-z\d][\w.-]{0,14}$/i.test(name)) throw invalid(`${name} cannot be a link's name`);
  const binding = options[`${prefix}host_binding_ipv4`];
  if (binding !== undefined && isIP(binding) === 0) {
    throw invalid(`failed to parse ${prefix}host_binding_ipv4 value: ${binding} (nil ip)`);
  }
  const interfacePrefix = options['com.docker.network.container_iface_prefix'] ?? '';
  if (!/^[\w.-]{0,12}$/.test(interfacePrefix)) throw invalid(`${interfacePrefix} cannot begin a link's name`);
  return {
    name,
    communication: flag('enable_icc', true),
    masquerade: flag('enable_ip_masquerade', true),
    hostBinding: binding === undefined || binding === '0.0.0.0' ? undefined : binding,
    inhibitIpv4: flag('inhibit_ipv4', false),
    gatewayMode: { 4: readGatewayMode(4, options, internal), 6: readGatewayMode(6, options, internal) },
    mtu: readMtu(options),
    interfacePrefix: interfacePrefix === '' ? 'eth' : interfacePrefix,
  };
}

function readFlag(key: string, options: Readonly<Record<string, string>>, fallback: boolean): boolean {
  const value = options[key];
  if (value === undefined) return fallback;
  const flag = parseBool(value);
  if (flag !== undefined) return flag;
  throw invalid(`failed to parse ${key} value: ${value} (${notBool(value)})`, 'write true or false');
}

/** @throws `network/invalid` */
export function readMtu(options: Readonly<Record<string, string>>): number {
  const value = options['com.docker.network.driver.mtu'];
  if (value === undefined) return 0;
  if (!/^[+-]?\d+$/.test(value)) {
    const problem = `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`;
    throw invalid(`failed to parse com.docker.network.driver.mtu value: ${value} (${problem})`);
  }
  const mtu = Number(value);
  if (mtu < 0 || (mtu > 0 && mtu < 68) || mtu > 65_535) throw invalid(`invalid MTU number: ${value}`);
  return mtu;
}

function readGatewayMode(family: 4 | 6, options: Readonly<Record<string, string>>, internal: boolean): GatewayMode {
  const key = `${prefix}gateway_mode_ipv${family}`;
  const value = options[key] ?? '';
  if (value === '') return 'nat';
  const mode = gatewayModes.find((one) => one === value);
  if (mode === undefined) {
    const problem = `failed to parse ${key} value: ${value} (unknown gateway mode ${value})`;
    throw invalid(problem, `write one of ${gatewayModes.join(', ')}`);
  }
  if (mode === 'isolated' && !internal)
    throw invalid(`gateway mode 'isolated' can only be used for an internal network`);
  return mode;
}
