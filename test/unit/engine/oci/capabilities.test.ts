import { expect, test } from 'vitest';
import { chooseCapabilities, knownCapabilities, parseBoundingSet } from '../../../../src/engine/oci/capabilities.js';

const choose = (add: string[], drop: string[], available: readonly string[] = knownCapabilities) =>
  chooseCapabilities({ add, drop, privileged: false, available });

test('the default is the fourteen that Docker gives', () => {
  expect(choose([], [])).toHaveLength(14);
  expect(choose([], [])).toContain('CAP_NET_RAW');
  expect(choose([], [])).not.toContain('CAP_SYS_ADMIN');
});

test('names come with and without prefix, in any case', () => {
  expect(choose(['sys_admin', 'CAP_NET_ADMIN'], ['ALL'])).toEqual(['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
});

test('a drop wins over an add, also over ALL', () => {
  expect(choose(['ALL'], ['SYS_ADMIN'])).toHaveLength(knownCapabilities.length - 1);
  expect(choose(['KILL'], ['KILL'])).not.toContain('CAP_KILL');
});

test('what the engine itself lacks cannot be given', () => {
  expect(choose(['SYS_ADMIN'], [], ['CAP_KILL'])).toEqual(['CAP_KILL']);
  expect(chooseCapabilities({ add: [], drop: [], privileged: true, available: ['CAP_BPF'] })).toEqual(['CAP_BPF']);
});

test('unknown names are refused', () => {
  expect(() => choose(['FLY'], [])).toThrow('unknown capability: "FLY"');
});

test('the mask in /proc/PID/status is read by bit', () => {
  expect(parseBoundingSet('CapBnd:\t0000000000000021\n')).toEqual(['CAP_CHOWN', 'CAP_KILL']);
});
