import { readBridgeOptions } from './bridge-options.js';
import { invalid } from './errors.js';
import type { EndpointRequest, SandboxRecord } from './sandbox.js';

/** Of each endpoint: the one it asks for, or the next of its network's kind, `eth` mostly. @throws `network/invalid` */
export function interfaceNames(endpoints: readonly EndpointRequest[]): string[] {
  const asked = endpoints.map(askedInterface);
  const taken = new Set<string>();
  for (const name of asked.filter((one) => one !== '')) {
    if (taken.has(name)) throw invalid(`two endpoints ask for the interface name ${name}`);
    taken.add(name);
  }
  return endpoints.map((endpoint, index) => {
    const name = asked[index] ?? '';
    const chosen = name === '' ? freeInterface(taken, endpoint) : name;
    taken.add(chosen);
    return chosen;
  });
}

/** For one more endpoint of a container. @throws `network/invalid` */
export function newInterface(record: SandboxRecord, request: EndpointRequest): string {
  const taken = new Set(record.endpoints.map(({ interfaceName }) => interfaceName));
  const name = askedInterface(request);
  if (taken.has(name)) throw invalid(`the container has an interface ${name} already`);
  return name === '' ? freeInterface(taken, request) : name;
}

function askedInterface({ driverOpts = {} }: EndpointRequest): string {
  const name = driverOpts['com.docker.network.endpoint.ifname'] ?? '';
  if (name === '' || (/^[^\s/]{1,15}$/.test(name) && !['.', '..', 'lo'].includes(name))) return name;
  throw invalid(`invalid interface name: ${name}`);
}

function freeInterface(taken: ReadonlySet<string>, { network }: EndpointRequest): string {
  const prefix = network.driver === 'bridge' ? readBridgeOptions(network.options, network).interfacePrefix : 'eth';
  for (let index = 0; ; index += 1) if (!taken.has(`${prefix}${index}`)) return `${prefix}${index}`;
}
