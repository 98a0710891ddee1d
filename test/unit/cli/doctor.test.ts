import { describe, expect, test } from 'vitest';
import type { Machine, ToolAnswer } from '../../../src/cli/doctor/check.js';
import { checkOtherFirewalls } from '../../../src/cli/doctor/firewall-checks.js';
import { checkApparmor, checkCgroups, checkFirewall, checkForwarding } from '../../../src/cli/doctor/kernel-checks.js';
import { installWith } from '../../../src/cli/doctor/packages.js';
import { isReady, renderFindings } from '../../../src/cli/doctor/report.js';
import { checkRuntime, toolChecks } from '../../../src/cli/doctor/tool-checks.js';
import { plainStyle } from '../../../src/cli/render/style.js';

const debian = 'PRETTY_NAME="Debian"\nID=debian\n';

function machine(options: { files?: Record<string, string>; tools?: Record<string, ToolAnswer> } = {}): Machine {
  return {
    dataRoot: '/var/lib/tscompose',
    runtimeDir: '/run/tscompose',
    isRoot: true,
    run: (tool) => Promise.resolve(options.tools?.[tool] ?? { kind: 'absent' }),
    read: (path) => ({ '/etc/os-release': debian, ...options.files })[path],
  };
}
const done = (output: string): ToolAnswer => ({ kind: 'done', output });

test.each([
  [debian, 'apt-get install nftables'],
  ['ID=ubuntu\nID_LIKE=debian\n', 'apt-get install nftables'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf install nftables'],
  ['ID=alpine\n', 'apk add nftables'],
  ['ID=mystery\n', 'install the package that brings nftables'],
  ['', 'install the package that brings nftables'],
])('the install command fits the distribution: %j', (osRelease, command) => {
  expect(installWith(osRelease, 'nftables')).toBe(command);
});

describe('crun or runc', () => {
  test('crun is enough', async () => {
    expect(await checkRuntime(machine({ tools: { crun: done('crun version 1.8.1\ncommit: x') } }))).toEqual({
      name: 'crun or runc',
      status: 'ok',
      found: 'crun 1.8.1',
    });
  });
  test('runc alone is slower', async () => {
    expect(await checkRuntime(machine({ tools: { runc: done('runc version 1.1.5') } }))).toMatchObject({
      status: 'warning',
      mend: 'apt-get install crun (containers start faster with it)',
    });
  });
  test('none is too little', async () => {
    expect(await checkRuntime(machine())).toMatchObject({ status: 'missing', mend: 'apt-get install crun' });
  });
});

test('a program that is not installed names its package', async () => {
  const findings = await Promise.all(toolChecks.map(async (check) => await check(machine())));
  expect(findings.find(({ name }) => name === 'conmon')).toEqual({
    name: 'conmon',
    status: 'missing',
    found: 'not installed',
    mend: 'apt-get install conmon',
  });
  expect(findings.find(({ name }) => name === 'iptables')?.status).toBe('warning');
});

test('the kernel’s own words are shown when it refuses the rules', async () => {
  const tools: Record<string, ToolAnswer> = {
    unshare: { kind: 'failed', output: 'Error: Could not process rule: No such file\nmore' },
  };
  expect(await checkFirewall(machine({ tools }))).toMatchObject({
    status: 'missing',
    found: 'Error: Could not process rule: No such file',
    mend: expect.stringContaining('modprobe') as string,
  });
});

test('a container that may make no namespaces is not told to load modules', async () => {
  const tools: Record<string, ToolAnswer> = {
    unshare: { kind: 'failed', output: 'unshare: unshare failed: Operation not permitted' },
  };
  expect(await checkFirewall(machine({ tools }))).toMatchObject({
    status: 'missing',
    mend: 'inside a container, start that one with --privileged',
  });
});

test('AppArmor without its parser confines nothing, which is said', async () => {
  const files = { '/sys/module/apparmor/parameters/enabled': 'Y\n' };
  const tools = { apparmor_parser: done('AppArmor parser version 3.0.8') };
  expect(await checkApparmor(machine({ files }))).toMatchObject({
    status: 'warning',
    mend: 'apt-get install apparmor',
  });
  expect(await checkApparmor(machine({ files, tools }))).toMatchObject({
    status: 'ok',
    found: expect.stringContaining('tscompose-default') as string,
  });
  expect(await checkApparmor(machine({ files: {} }))).toMatchObject({ status: 'ok', found: 'off' });
});

describe('cgroups', () => {
  const v1 = ['memory', 'cpu', 'pids'].map((name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,${name} 0 0\n`).join('');
  test('a kernel without any is told how to mount them', async () => {
    expect(await checkCgroups(machine({ files: { '/proc/self/mounts': '' } }))).toMatchObject({
      status: 'missing',
      found: 'not mounted',
    });
  });
  test('a controller that is missing costs limits, not the engine', async () => {
    const files = { '/sys/fs/cgroup/cgroup.controllers': 'cpu pids\n', '/proc/self/mounts': '' };
    expect(await checkCgroups(machine({ files }))).toMatchObject({ status: 'warning', found: 'v2, without memory' });
  });
  test('one tree per controller is v1, and with the unified one beside them hybrid', async () => {
    const readOnly = { ...machine({ files: { '/proc/self/mounts': v1 } }), isRoot: false };
    expect(await checkCgroups(readOnly)).toMatchObject({ status: 'ok', found: 'v1 with memory, cpu, pids' });
    const mounts = `${v1}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n`;
    const hybrid = { ...machine({ files: { '/proc/self/mounts': mounts } }), isRoot: false };
    expect(await checkCgroups(hybrid)).toMatchObject({ found: 'hybrid with memory, cpu, pids' });
  });
});

test('forwarding that is on is fine', async () => {
  expect(await checkForwarding(machine({ files: { '/proc/sys/net/ipv4/ip_forward': '1\n' } }))).toMatchObject({
    status: 'ok',
  });
});

describe('the report', () => {
  const findings = [
    { name: 'node', status: 'ok', found: 'v20.19.0' },
    { name: 'zstd', status: 'warning', found: 'not installed', mend: 'apt-get install zstd' },
    { name: 'conmon', status: 'missing', found: 'not installed', mend: 'apt-get install conmon' },
  ] as const;
  test('says under each line what to do', () => {
    expect(renderFindings(findings, plainStyle, 80)).toBe(
      'ok    node    v20.19.0\n' +
        'warn  zstd    not installed\n' +
        '              → apt-get install zstd\n' +
        'FAIL  conmon  not installed\n' +
        '              → apt-get install conmon\n' +
        '\n' +
        'The embedded engine cannot run here yet: 1 of 3 checks failed.\n',
    );
  });
  test('is good without failures, warnings or not', () => {
    expect(isReady(findings)).toBe(false);
    expect(isReady(findings.slice(0, 2))).toBe(true);
    expect(renderFindings(findings.slice(0, 2), plainStyle, 80)).toContain('can run here, with 1 limit.');
  });
});

describe('other firewalls', () => {
  const chains = (...listed: readonly object[]): ToolAnswer =>
    done(JSON.stringify({ nftables: [{ metainfo: {} }, ...listed.map((chain) => ({ chain }))] }));
  const firewalld = { family: 'inet', table: 'firewalld', name: 'filter_FORWARD', hook: 'forward' };
  const iptables = { family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward' };
  const look = (listing: ToolAnswer, check: ToolAnswer, tools: Record<string, ToolAnswer> = {}) => {
    const asked = machine({ tools });
    const run: Machine['run'] = (tool, args) =>
      tool === 'nft' ? Promise.resolve(args.includes('--check') ? check : listing) : asked.run(tool, args);
    return checkOtherFirewalls({ ...asked, run });
  };
  const refused: ToolAnswer = { kind: 'failed', output: 'Operation not permitted' };

  test('are none where only engines like ours have rules', async () => {
    const own = { ...iptables, table: 'tscompose-01234567', name: 'forward' };
    expect(await look(chains(own, { ...firewalld, hook: 'input' }), refused)).toMatchObject({
      status: 'ok',
      found: 'none',
    });
  });

  test('are in order where they can be given an exception', async () => {
    expect(await look(chains(firewalld, iptables), done(''), { iptables: done('1.8') })).toMatchObject({
      status: 'ok',
      found: 'inet firewalld filter_FORWARD, ip filter FORWARD: given exceptions where needed',
    });
  });

  test('that belong to a running program are told of, with the mend', async () => {
    expect(await look(chains(firewalld), refused)).toMatchObject({
      status: 'warning',
      mend: expect.stringContaining("--zone=trusted --add-interface='tsc+'") as string,
    });
  });

  test('of iptables need iptables', async () => {
    expect(await look(chains(iptables), done(''))).toMatchObject({
      status: 'warning',
      found: 'ip filter FORWARD cannot be given an exception',
      mend: expect.stringContaining('install iptables') as string,
    });
  });
});
