import { expect, test } from 'vitest';
import { type KernelLimits, withinKernel } from '../../../../src/engine/containers/kernel-limits.js';

const asked = {
  BlkioWeight: 300,
  BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 10 }],
  CpusetCpus: '0',
  MemorySwappiness: 5,
  OomKillDisable: true,
  Memory: 5,
  MemoryReservation: 4,
  PidsLimit: 3,
  CpuShares: 2,
  CpuQuota: 1,
  BlkioDeviceWriteIOps: [{ Path: '/dev/sda', Rate: 10 }],
};
const names =
  'memory swap pids cpuTime cpuShares blockWeight blockDeviceWeight blockRate cpuset swappiness oomKillDisable';
const limits = (known: boolean) =>
  Object.fromEntries(names.split(' ').map((name) => [name, known])) as unknown as KernelLimits;
const none = limits(false);
const all = limits(true);

test('limits that the kernel does not know are left out, with a warning for each', () => {
  const { hostConfig, warnings } = withinKernel(asked, none);
  expect(hostConfig).toEqual({});
  expect(warnings.map((text) => text.split(' ').slice(-2).join(' '))).toEqual([
    'Limitation discarded.',
    'Limitation discarded.',
    'limit discarded.',
    'Shares discarded.',
    'period/quota discarded.',
    'Weight discarded.',
    'Weight-device discarded.',
    'limit discarded.',
    'Cpuset discarded.',
    'swappiness discarded.',
    'OomKillDisable discarded.',
  ]);
});

test('nothing is said of a limit that nobody asks for', () => {
  const quiet = { BlkioWeight: 0, CpusetCpus: '', MemorySwappiness: -1, OomKillDisable: false, Memory: 0 };
  expect(withinKernel(quiet, none)).toEqual({ hostConfig: quiet, warnings: [] });
});

test('limits that it knows stay', () => {
  expect(withinKernel(asked, all)).toEqual({ hostConfig: asked, warnings: [] });
});

test('memory is limited without swap where that cannot be counted', () => {
  const known = { ...all, swap: false };
  const without = { Memory: 5, MemorySwap: -1 };
  expect(withinKernel({ Memory: 5, MemorySwap: 6 }, known)).toEqual({
    hostConfig: without,
    warnings: [expect.stringMatching(/Memory limited without swap\.$/)],
  });
  expect(withinKernel(without, known)).toEqual({ hostConfig: without, warnings: [] });
});

test('a share of processors that cannot be given is refused', () => {
  expect(() => withinKernel({ NanoCpus: 5e8 }, { ...all, cpuTime: false })).toThrow(/^NanoCPUs can not be set, as/);
});
