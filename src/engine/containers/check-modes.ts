import type { ContainerConfig, HostConfig } from '../../api/container.js';
import { invalidConfig } from './errors.js';

/**
 * Refuses what cannot be had together with namespaces that are shared, in Docker's words.
 * @throws `container/invalid-config`
 */
export function checkModes(asked: ContainerConfig, hostConfig: HostConfig): void {
  const cgroup: string = hostConfig.CgroupnsMode ?? '';
  const { UTSMode = '', NetworkMode: network = '', IpcMode: ipc = '', PidMode: pid = '' } = hostConfig;
  if (!['', 'host'].includes(UTSMode)) throw invalidConfig('UTSMode', `invalid UTS mode: ${UTSMode}`);
  if (!['', 'none', 'private', 'shareable', 'host'].includes(ipc) && !isOther(ipc)) {
    throw invalidConfig('IpcMode', `invalid IPC mode: ${ipc}`);
  }
  if (!['', 'host'].includes(pid) && !isOther(pid)) throw invalidConfig('PidMode', `invalid PID mode: ${pid}`);
  if (!['', 'private', 'host'].includes(cgroup)) {
    throw invalidConfig('CgroupnsMode', `invalid cgroup namespace mode: ${cgroup}`);
  }
  if (network === 'container:') {
    throw invalidConfig('NetworkMode', 'Invalid network mode: invalid container format container:<name|id>');
  }
  const hasHostname = (asked.Hostname ?? '') !== '';
  if (UTSMode === 'host' && hasHostname) {
    throw invalidConfig('UTSMode', 'conflicting options: hostname and the UTS mode');
  }
  const conflicts: readonly (readonly [boolean, string])[] = [
    [hasHostname, 'hostname and the network mode'],
    [
      (hostConfig.Links ?? []).length > 0,
      "container type network can't be used with links. This would result in undefined behavior",
    ],
    [(hostConfig.Dns ?? []).length > 0, 'dns and the network mode'],
    [(hostConfig.ExtraHosts ?? []).length > 0, 'custom host-to-IP mapping and the network mode'],
    [
      Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts === true,
      'port publishing and the container type network mode',
    ],
    [Object.keys(asked.ExposedPorts ?? {}).length > 0, 'port exposing and the container type network mode'],
  ];
  const found = isOther(network) ? conflicts.find(([given]) => given) : undefined;
  if (found !== undefined) throw invalidConfig('NetworkMode', `conflicting options: ${found[1]}`);
  if (network === 'host' && (hostConfig.Links ?? []).length > 0) {
    throw invalidConfig(
      'NetworkMode',
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  }
}

function isOther(mode: string): boolean {
  return mode.startsWith('container:') && mode.length > 'container:'.length;
}
