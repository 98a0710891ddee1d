import { expect, test } from 'vitest';
import { defaultSeccompProfile, readSeccompProfile, resolveSeccomp } from '../../../../src/engine/oci/seccomp.js';

const target = { capabilities: ['CAP_KILL'], arch: 'x64', kernelRelease: '6.1.0-18-amd64' };
const allowed = (change: Partial<typeof target>, name: string) =>
  (resolveSeccomp(defaultSeccompProfile, { ...target, ...change }).syscalls ?? []).filter(({ names }) =>
    names.includes(name),
  );

test('everything not named is refused with EPERM', () => {
  const { defaultAction, defaultErrnoRet, architectures } = resolveSeccomp(defaultSeccompProfile, target);
  expect({ defaultAction, defaultErrnoRet }).toEqual({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 });
  expect(architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']);
});

test('mounting and joining namespaces need CAP_SYS_ADMIN', () => {
  for (const name of ['mount', 'setns', 'unshare', 'umount2']) {
    expect(allowed({}, name)).toEqual([]);
    expect(allowed({ capabilities: ['CAP_SYS_ADMIN'] }, name)).toHaveLength(1);
  }
});

test('clone may not make namespaces, and clone3 says that it does not exist, without CAP_SYS_ADMIN', () => {
  expect(allowed({}, 'clone')).toMatchObject([{ args: [{ index: 0, value: 2114060288, op: 'SCMP_CMP_MASKED_EQ' }] }]);
  expect(allowed({}, 'clone3')).toMatchObject([{ action: 'SCMP_ACT_ERRNO', errnoRet: 38 }]);
  expect(allowed({ capabilities: ['CAP_SYS_ADMIN'] }, 'clone3')).toMatchObject([{ action: 'SCMP_ACT_ALLOW' }]);
});

test('rules of another machine or a newer kernel do not count', () => {
  expect(allowed({}, 'arch_prctl')).toHaveLength(1);
  expect(allowed({ arch: 'arm64' }, 'arch_prctl')).toEqual([]);
  expect(allowed({}, 'ptrace')).toHaveLength(1);
  expect(allowed({ kernelRelease: '4.4.0' }, 'ptrace')).toEqual([]);
});

test('io_uring is not allowed', () => {
  expect(allowed({ capabilities: ['CAP_SYS_ADMIN'] }, 'io_uring_setup')).toEqual([]);
});

test('a profile of the user is taken as text, and refused when it is none', () => {
  const profile = readSeccompProfile(
    '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"chmod","action":"SCMP_ACT_ERRNO"}]}',
  );
  expect(resolveSeccomp(profile, target).syscalls).toEqual([{ names: ['chmod'], action: 'SCMP_ACT_ERRNO' }]);
  expect(() => readSeccompProfile('{}')).toThrow('decoding seccomp profile failed: no defaultAction');
});
