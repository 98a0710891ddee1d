import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { DeviceRequest } from '../../../../src/api/container.js';
import { findDeviceEdits } from '../../../../src/engine/oci/cdi.js';
import { folderPerTest } from '../../../support/test-folder.js';

let folder: string;
folderPerTest((path) => (folder = path));
beforeEach(() => {
  writeFileSync(
    join(folder, 'vendor.json'),
    JSON.stringify({
      cdiVersion: '0.6.0',
      kind: 'vendor.com/class',
      containerEdits: { env: ['COMMON=1'] },
      devices: [
        { name: 'a', containerEdits: { env: ['A=1'], deviceNodes: [{ path: '/dev/null' }] } },
        { name: 'b', containerEdits: { env: ['B=1'], additionalGids: [7] } },
      ],
    }),
  );
  writeFileSync(
    join(folder, 'nvidia.yaml'),
    'cdiVersion: 0.6.0\nkind: nvidia.com/gpu\ndevices:\n- name: "0"\n  containerEdits:\n    env: [GPU=0]\n- name: all\n  containerEdits:\n    env: [GPU=all]\n',
  );
});
const find = (request: DeviceRequest) => findDeviceEdits([request], [folder]);

test('devices are found by name, with what they have in common once', async () => {
  const edits = await find({ Driver: 'cdi', DeviceIDs: ['vendor.com/class=a', 'vendor.com/class=b'] });
  expect(edits).toMatchObject({
    env: ['COMMON=1', 'A=1', 'B=1'],
    deviceNodes: [{ path: '/dev/null' }],
    additionalGids: [7],
  });
});

test('GPUs are found by count, by id and all of them, whoever makes them', async () => {
  const gpu = { Capabilities: [['gpu']] };
  expect((await find({ ...gpu, Count: 1 })).env).toEqual(['GPU=0']);
  expect((await find({ ...gpu, Count: -1 })).env).toEqual(['GPU=all']);
  expect((await find({ ...gpu, Driver: 'nvidia', DeviceIDs: ['0'] })).env).toEqual(['GPU=0']);
});

test('what nothing provides is refused', async () => {
  await expect(find({ Driver: 'cdi', DeviceIDs: ['vendor.com/class=c'] })).rejects.toThrow(
    'CDI device injection failed: unresolvable CDI devices vendor.com/class=c',
  );
  await expect(find({ Driver: 'amd', Capabilities: [['gpu', 'x']], Count: -1 })).rejects.toThrow(
    'could not select device driver "amd" with capabilities: [[gpu x]]',
  );
  await expect(findDeviceEdits([{ Count: 1, Capabilities: [['gpu']] }], [])).rejects.toThrow('could not select');
});

test('no request, no edits', async () => {
  expect(await findDeviceEdits([], [folder])).toEqual({});
});

test('a file that cannot be read is told by its name', async () => {
  writeFileSync(join(folder, 'bad.json'), '{');
  await expect(find({ Driver: 'cdi', DeviceIDs: ['vendor.com/class=a'] })).rejects.toThrow('bad.json');
});
