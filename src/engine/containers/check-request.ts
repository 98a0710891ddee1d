import type { ContainerConfig, HostConfig } from '../../api/container.js';
import { readNativeProbe } from '../../base/native-probe.js';
import { capabilitiesOf, availableCapabilities, readSecurityOptions, renderRlimits } from '../oci/index.js';
import { checkLimits } from './check-limits.js';
import { invalidConfig } from './errors.js';
import { checkStorageOptions } from './storage-options.js';
import { checkLogConfig } from './log-driver.js';
import { checkExtraHost } from './host-files.js';
import { parsePortSpec, wantedPorts } from './port-requests.js';
import { parseSignal } from './signals.js';

const minimumMemory = 6 * 1024 * 1024;

/**
 * What can be refused before anything exists; the runtime refuses the rest at start.
 * @throws `container/invalid-config`, `oci/invalid-option`, `container/invalid-signal`
 */
export function checkRequest(config: ContainerConfig, hostConfig: HostConfig): void {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, RestartPolicy, AutoRemove, LogConfig } = hostConfig;
  if (Memory !== 0 && Memory < minimumMemory) {
    throw invalidConfig('Memory', 'Minimum memory limit allowed is 6MB');
  }
  if (MemorySwap > 0 && Memory === 0) {
    throw invalidConfig('MemorySwap', 'You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (MemorySwap > 0 && MemorySwap < Memory) {
    throw invalidConfig('MemorySwap', 'Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (Memory > 0 && MemoryReservation > Memory) {
    throw invalidConfig(
      'MemoryReservation',
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    );
  }
  if ((hostConfig.NanoCpus ?? 0) < 0) throw invalidConfig('NanoCpus', 'NanoCPUs can not be set as a negative value');
  if ((hostConfig.NanoCpus ?? 0) > 0) {
    const other = (hostConfig.CpuPeriod ?? 0) > 0 ? 'CPU Period' : (hostConfig.CpuQuota ?? 0) > 0 ? 'CPU Quota' : '';
    if (other !== '') throw invalidConfig('NanoCpus', `Conflicting options: Nano CPUs and ${other} cannot both be set`);
  }
  if ((hostConfig.ShmSize ?? 0) < 0) throw invalidConfig('ShmSize', 'SHM size can not be less than 0');
  const policy = RestartPolicy?.Name ?? '';
  if (!['', 'no', 'always', 'unless-stopped', 'on-failure'].includes(policy)) {
    throw invalidConfig(
      'RestartPolicy',
      `invalid restart policy: unknown policy '${policy}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if ((RestartPolicy?.MaximumRetryCount ?? 0) !== 0 && policy !== 'on-failure') {
    throw invalidConfig(
      'RestartPolicy',
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    );
  }
  if ((RestartPolicy?.MaximumRetryCount ?? 0) < 0) {
    throw invalidConfig('RestartPolicy', 'invalid restart policy: maximum retry count cannot be negative');
  }
  if (AutoRemove === true && policy !== '' && policy !== 'no') {
    throw invalidConfig('AutoRemove', "can't create 'AutoRemove' container with restart policy");
  }
  checkLogConfig(LogConfig);
  checkStorageOptions(hostConfig.StorageOpt ?? {});
  const { Isolation = '' } = hostConfig;
  if (!['', 'default'].includes(Isolation.toLowerCase())) {
    throw invalidConfig('Isolation', `Invalid isolation: "${Isolation}" - linux only supports 'default'`);
  }
  if (config.StopSignal !== undefined && config.StopSignal !== '') parseSignal(config.StopSignal);
  Object.keys(config.ExposedPorts ?? {}).forEach(parsePortSpec);
  wantedPorts(config, hostConfig);
  (hostConfig.ExtraHosts ?? []).forEach(checkExtraHost);
  if ('' in (hostConfig.Annotations ?? {})) {
    const problem = 'the empty string is not permitted as an annotation key';
    throw invalidConfig('Annotations', `invalid Annotations: ${problem}`);
  }
  for (const name of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const time = config.Healthcheck?.[name] ?? 0;
    if (time !== 0 && time < 1_000_000) {
      throw invalidConfig('Healthcheck', `${name} in Healthcheck cannot be less than 1ms`);
    }
  }
  if ((config.Healthcheck?.Retries ?? 0) < 0) {
    throw invalidConfig('Healthcheck', 'Retries in Healthcheck cannot be negative');
  }
  const probe = readNativeProbe(config.Healthcheck?.Test ?? []);
  if (probe?.kind === 'invalid') throw invalidConfig('Healthcheck', probe.problem);
  checkLimits(hostConfig);
  readSecurityOptions(hostConfig);
  capabilitiesOf(hostConfig, availableCapabilities());
  renderRlimits(hostConfig.Ulimits ?? []);
  for (const word of config.Env ?? []) {
    if (word === '' || word.startsWith('=')) throw invalidConfig('Env', `invalid environment variable: ${word}`);
  }
}
