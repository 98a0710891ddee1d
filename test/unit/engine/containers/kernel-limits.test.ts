import { expect, test } from 'vitest';
import { withinKernel } from '../../../../src/engine/containers/kernel-limits.js';

const asked = { BlkioWeight: 300, BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 10 }], Memory: 5 };

test('weights that the kernel does not know are left out, with a warning for each', () => {
  const { hostConfig, warnings } = withinKernel(asked, false);
  expect(hostConfig).toEqual({ BlkioWeight: 0, BlkioWeightDevice: [], Memory: 5 });
  expect(warnings).toHaveLength(2);
  expect(withinKernel({ Memory: 5 }, false)).toEqual({ hostConfig: { Memory: 5 }, warnings: [] });
});

test('weights that it knows stay', () => {
  expect(withinKernel(asked, true)).toEqual({ hostConfig: asked, warnings: [] });
});
