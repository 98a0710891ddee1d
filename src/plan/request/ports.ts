import type { PortMap } from '../../api/common.js';
import type { Service } from '../../compose/index.js';

/** `ports` and `expose`, keyed `80/tcp`. */
export function exposedPorts(service: Service): Record<string, object> {
  const keys = [
    ...(service.expose ?? []).flatMap(expandExposed),
    ...(service.ports ?? []).map(({ target, protocol = 'tcp' }) => `${target}/${protocol}`),
  ];
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

export function portBindings(service: Service): PortMap {
  const bindings: Record<string, { HostIp?: string; HostPort?: string }[]> = {};
  for (const { target, protocol = 'tcp', host_ip: hostIp = '', published = '' } of service.ports ?? []) {
    (bindings[`${target}/${protocol}`] ??= []).push({ HostIp: hostIp, HostPort: published });
  }
  return bindings;
}

/** `8000-8002/udp` → three keys. */
function expandExposed(text: string): string[] {
  const [range = '', protocol = 'tcp'] = text.split('/');
  const [first = '', last = first] = range.split('-');
  const keys: string[] = [];
  for (let port = Number(first); port <= Number(last); port++) keys.push(`${port}/${protocol}`);
  return keys;
}
