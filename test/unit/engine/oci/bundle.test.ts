import { describe, expect, test } from 'vitest';
import type { HostConfig } from '../../../../src/api/container.js';
import { type BundleRequest, composeSpec } from '../../../../src/engine/oci/bundle.js';
import { knownCapabilities } from '../../../../src/engine/oci/capabilities.js';
import { explainFailure } from '../../../../src/engine/oci/create-failure.js';
import { renderSpec } from '../../../../src/engine/oci/render.js';
import { lastLine } from '../../../../src/engine/oci/runtime.js';

function compose(hostConfig: HostConfig = {}, change: Partial<BundleRequest> = {}): ReturnType<typeof composeSpec> {
  return composeSpec({
    rootfs: '/r',
    args: ['sh'],
    env: ['A=b'],
    cwd: '/',
    tty: false,
    user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
    hostname: 'h',
    domainname: '',
    namespaces: { network: 'private', ipc: 'private', pid: 'private', uts: 'private', cgroup: 'private' },
    mounts: [],
    hostConfig,
    cgroupsPath: '/p/id',
    availableCapabilities: knownCapabilities,
    ...change,
  });
}

describe('the bundle of a container', () => {
  test('has namespaces of its own, masks and a filter', () => {
    const { linux, process, root } = compose();
    expect(linux.namespaces.map(({ type }) => type)).toEqual(['mount', 'network', 'ipc', 'pid', 'uts', 'cgroup']);
    expect(linux.maskedPaths).toContain('/proc/kcore');
    expect(linux.readonlyPaths).toContain('/proc/sys');
    expect(linux.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(process).toMatchObject({ noNewPrivileges: false, oomScoreAdj: 0, env: ['A=b', 'HOME=/root'] });
    expect(root).toEqual({ path: '/r', readonly: false });
    expect(linux.resources.devices?.[0]).toEqual({ allow: false, access: 'rwm' });
  });

  test('that is privileged has none of the walls', () => {
    const { linux, process, mounts } = compose({ Privileged: true });
    expect(linux).toMatchObject({ maskedPaths: [], readonlyPaths: [] });
    expect(linux.seccomp).toBeUndefined();
    expect(process.capabilities?.bounding).toHaveLength(knownCapabilities.length);
    expect(mounts.find(({ destination }) => destination === '/sys')?.options).toContain('rw');
    expect(linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }]);
  });

  test('joins or shares namespaces', () => {
    const namespaces = { network: { path: '/n' }, ipc: 'host', pid: 'host', uts: 'host', cgroup: 'host' } as const;
    const { linux, hostname, mounts } = compose({}, { namespaces });
    expect(linux.namespaces).toEqual([{ type: 'mount' }, { type: 'network', path: '/n' }]);
    expect(hostname).toBeUndefined();
    expect(mounts.find(({ destination }) => destination === '/dev/shm')).toMatchObject({
      type: 'bind',
      source: '/dev/shm',
    });
  });

  test('mounts parents first, and the user’s in place of the usual ones', () => {
    const bind = (destination: string) => ({ destination, type: 'bind', source: '/s', options: ['rbind'] });
    const { mounts } = compose({ ShmSize: 1024 }, { mounts: [bind('/a/b'), bind('/a'), bind('/dev/shm')] });
    const places = mounts.map(({ destination }) => destination);
    expect(places.indexOf('/a')).toBeLessThan(places.indexOf('/a/b'));
    expect(mounts.filter(({ destination }) => destination === '/dev/shm')).toEqual([bind('/dev/shm')]);
    const all = compose({}, { mounts: [bind('/dev')] }).mounts.map(({ destination }) => destination);
    expect(all.filter((place) => place.startsWith('/dev'))).toEqual(['/dev']);
  });

  test('has its limits, and nothing that nobody asked for', () => {
    const { linux } = compose({
      Memory: 64 << 20,
      NanoCpus: 1_500_000_000,
      PidsLimit: 9,
      CpuShares: 512,
      CpusetCpus: '0',
    });
    expect(linux.resources).toMatchObject({
      memory: { limit: 64 << 20, swap: 128 << 20 },
      cpu: { quota: 150_000, period: 100_000, shares: 512, cpus: '0' },
      pids: { limit: 9 },
    });
    expect(Object.keys(compose().linux.resources)).toEqual(['devices']);
    expect(compose({ Memory: 64 << 20, MemorySwap: -1 }).linux.resources.memory?.swap).toBe(-1);
  });

  test('writes an unlimited rlimit as the kernel has it', () => {
    const text = renderSpec(compose({ Ulimits: [{ Name: 'core', Soft: -1, Hard: -1 }] }));
    expect(text).toContain('{"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615}');
    expect(() => compose({ Ulimits: [{ Name: 'nofile', Soft: 9, Hard: 2 }] })).toThrow('ulimit soft limit');
    expect(() => compose({ Ulimits: [{ Name: 'wings', Soft: 1, Hard: 1 }] })).toThrow('invalid ulimit type: wings');
  });

  test('reads security options in both spellings and refuses others', () => {
    expect(compose({ SecurityOpt: ['no-new-privileges:true'] }).process.noNewPrivileges).toBe(true);
    expect(compose({ SecurityOpt: ['no-new-privileges'] }).process.noNewPrivileges).toBe(true);
    expect(compose({ SecurityOpt: ['seccomp=unconfined'] }).linux.seccomp).toBeUndefined();
    expect(compose({ SecurityOpt: ['systempaths=unconfined'] }).linux.maskedPaths).toEqual([]);
    expect(() => compose({ SecurityOpt: ['magic=on'] })).toThrow('invalid --security-opt 2: "magic=on"');
    expect(() => compose({ SecurityOpt: ['disable', 'label'] })).toThrow('invalid --security-opt 1: "label"');
  });

  test('lets low ports be bound unless the network is somebody else’s', () => {
    const port = 'net.ipv4.ip_unprivileged_port_start';
    expect(compose().linux.sysctl?.[port]).toBe('0');
    expect(compose({ Sysctls: { [port]: '80' } }).linux.sysctl?.[port]).toBe('80');
    const host = { network: 'host', ipc: 'private', pid: 'private', uts: 'private', cgroup: 'private' } as const;
    expect(compose({}, { namespaces: host }).linux.sysctl).toBeUndefined();
  });

  test('lets devices through by rule', () => {
    const { linux } = compose({
      Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'r' }],
      DeviceCgroupRules: ['c 42:* rm'],
    });
    expect(linux.devices).toMatchObject([{ path: '/dev/nothing', type: 'c', major: 1, minor: 3 }]);
    expect(linux.resources.devices?.slice(-2)).toEqual([
      { allow: true, type: 'c', major: 1, minor: 3, access: 'r' },
      { allow: true, type: 'c', major: 42, access: 'rm' },
    ]);
    expect(() => compose({ DeviceCgroupRules: ['x'] })).toThrow('invalid device cgroup rule format');
    const missing = { PathOnHost: '/dev/absent', PathInContainer: '', CgroupPermissions: '' };
    expect(() => compose({ Devices: [missing] })).toThrow('no such file or directory');
  });
});

describe('what a runtime says when it fails', () => {
  test.each([
    [
      'executable file `x` not found in $PATH: No such file or directory',
      'x',
      127,
      'executable file not found in $PATH',
    ],
    ['executable file `/x` not found: No such file or directory', '/x', 127, 'stat /x: no such file or directory'],
    ['open executable: Permission denied', '/x', 126, 'permission denied'],
    ['open executable: Operation not permitted', '/etc', 126, 'is a directory'],
    ['exec: "x": executable file not found in $PATH', 'x', 127, 'executable file not found in $PATH'],
    ['mount `/a` to `/b`: No such file or directory', 'x', 128, 'mount `/a`'],
  ])('%s', (reason, program, exitCode, text) => {
    const explained = explainFailure(reason, program);
    expect(explained.exitCode).toBe(exitCode);
    expect(explained.text).toContain(text);
  });

  test('is its last line, without time and level', () => {
    expect(lastLine('first\n2026-01-02T03:04:05.123456Z: it broke\n')).toBe('it broke');
    expect(lastLine('{"msg":"a","level":"error"}\n{"msg": "b \\"c\\"", "level": "error"}')).toBe('b "c"');
    expect(lastLine('time="x" level=error msg="runc \\"y\\" failed"')).toBe('runc "y" failed');
  });
});
