import { expect, test } from 'vitest';
import { withinKernel } from '../../../../src/engine/containers/kernel-limits.js';

const asked = {
  BlkioWeight: 300,
  BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 10 }],
  CpusetCpus: '0',
  MemorySwappiness: 5,
  OomKillDisable: true,
  Memory: 5,
};
const none = { blockWeight: false, cpuset: false, swappiness: false, oomKillDisable: false };
const all = { blockWeight: true, cpuset: true, swappiness: true, oomKillDisable: true };

test('limits that the kernel does not know are left out, with a warning for each', () => {
  const { hostConfig, warnings } = withinKernel(asked, none);
  expect(hostConfig).toEqual({ Memory: 5 });
  expect(warnings.map((text) => text.split(' ').slice(-2).join(' '))).toEqual([
    'Weight discarded.',
    'Weight-device discarded.',
    'Cpuset discarded.',
    'swappiness discarded.',
    'OomKillDisable discarded.',
  ]);
});

test('nothing is said of a limit that nobody asks for', () => {
  const quiet = { BlkioWeight: 0, CpusetCpus: '', MemorySwappiness: -1, OomKillDisable: false, Memory: 5 };
  expect(withinKernel(quiet, none)).toEqual({ hostConfig: quiet, warnings: [] });
});

test('limits that it knows stay', () => {
  expect(withinKernel(asked, all)).toEqual({ hostConfig: asked, warnings: [] });
});
