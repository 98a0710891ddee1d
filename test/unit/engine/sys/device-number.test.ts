import { expect, test } from 'vitest';
import { deviceNumber, splitDevice } from '../../../../src/engine/sys/device-number.js';

test.each([
  [0, 0, 0],
  [1, 3, 0x103],
  [8, 17, 0x811],
  [259, 300, 0x11_032c],
  [4095, 0xf_ffff, 0xffff_ffff],
])('the device %i:%i is %i to the kernel, and back', (major, minor, packed) => {
  expect(deviceNumber(major, minor)).toBe(packed);
  expect(splitDevice(packed)).toEqual({ major, minor });
  expect(splitDevice(BigInt(packed))).toEqual({ major, minor });
});
