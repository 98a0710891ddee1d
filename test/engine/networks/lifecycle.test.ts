import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openLinks, sendSignal } from '../../../src/engine/sys/index.js';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { NetworksSandbox, readTcp, shell } from './guest.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const program = join(root, 'node_modules/.cache', `networks-program-${process.pid}.mjs`);
let folder = '';
let before = '';
const containers: number[] = [];
const engines: Engine[] = [];

class Engine {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(process: ChildProcess, lines: Interface) {
    this.#process = process;
    this.#answers = lines[Symbol.asyncIterator]();
  }

  static async start(engineId = '11112222', at = folder): Promise<Engine> {
    const child = spawn(process.execPath, [program, at, engineId], { stdio: ['pipe', 'pipe', 'inherit'] });
    const engine = new Engine(child, createInterface({ input: child.stdout }));
    engines.push(engine);
    await engine.#answers.next();
    return engine;
  }

  async ask(command: Record<string, unknown>): Promise<{ containerId: string; pid: number; address: string }> {
    this.#process.stdin?.write(`${JSON.stringify(command)}\n`);
    const { value } = (await this.#answers.next()) as { value: string };
    const answer = JSON.parse(value) as { error?: string; containerId: string; pid?: number; address: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    if (answer.pid !== undefined) containers.push(answer.pid);
    return { pid: 0, ...answer };
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
  }

  async end(): Promise<void> {
    await this.ask({ do: 'stop' });
    this.#process.stdin?.end();
    await once(this.#process, 'exit');
  }
}

/** Everything of this host that networks touch, as text. */
const hostState = (): Promise<string> =>
  shell(`ip -o link | sed 's/^[0-9]*: //' | cut -d' ' -f1; ip -o address | cut -d' ' -f2-; ip route; nft -s list ruleset
    sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding; iptables-save 2>/dev/null | grep -v '^#\\|^:'`);

beforeAll(() => {
  enterPrivateNamespaces();
  const links = openLinks();
  links.apply([{ kind: 'set-up', name: 'lo' }]);
  links.close();
  buildSync({
    entryPoints: [join(root, 'test/engine/networks/engine-program.ts')],
    outfile: program,
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['koffi'] },
    banner: {
      js: "import { createRequire as forBundle } from 'node:module'; const require = forBundle(import.meta.url);",
    },
  });
});
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsc-life-'));
  before = await hostState();
});
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.kill();
  endContainers();
  rmSync(folder, { recursive: true });
});
afterAll(() => {
  rmSync(program, { force: true });
});

function endContainers(): void {
  for (const pid of containers.splice(0)) sendSignal(pid, 'SIGKILL');
}

const inside = (pid: number, script: string): Promise<string> =>
  shell(script, ['nsenter', `--net=/proc/${pid}/ns/net`, '--']);

async function serve(pid: number, line: string, port = 80): Promise<void> {
  const server = `import socket,sys
s = socket.create_server(("", ${port}))
while True:
    c, _ = s.accept(); c.sendall(b"${line}"); c.close()`;
  const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', 'python3', '-c', server], { stdio: 'ignore' });
  if (child.pid !== undefined) containers.push(child.pid);
  await expect
    .poll(() => inside(pid, 'cat /proc/net/tcp'), { timeout: 10_000 })
    .toContain(`:${port.toString(16).toUpperCase().padStart(4, '0')} `);
}

const lookUp = (name: string): string => `busybox nslookup ${name} 127.0.0.11 2>&1 | tail -n +3`;

test('a network that somebody is joining stays, and one that is being removed is joined by nobody', async () => {
  const own = new NetworksSandbox();
  const networks = await own.open();
  const net = await networks.create({ Name: 'net' });
  const joining = own.guest(networks, 'first', { on: [net] });
  await expect(networks.remove('net')).rejects.toMatchObject({
    code: 'network/in-use',
    facts: { containers: ['first'] },
  });
  const first = await joining;
  expect(first.address('net')).not.toBe('');
  await own.endGuests(networks);
  const removing = networks.remove('net');
  await expect(own.guest(networks, 'late', { on: [net] })).rejects.toMatchObject({ code: 'network/not-found' });
  await removing;
  await networks.stop();
  await own.remove();
});

test('nothing stays on the host after the last container, the last network and the stop', async () => {
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  const one = await engine.ask({ do: 'start', name: 'one', network: 'net', port: 8080 });
  const two = await engine.ask({ do: 'start', name: 'two', network: 'bridge', port: 8081 });
  expect(await hostState()).not.toBe(before);
  endContainers();
  await engine.ask({ do: 'leave', name: one.containerId });
  await engine.ask({ do: 'leave', name: two.containerId });
  await engine.ask({ do: 'remove', name: 'net' });
  await engine.end();
  await expect.poll(hostState).toBe(before);
});

test('stopping with nothing running takes bridges off the host but keeps the networks', async () => {
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  await engine.end();
  expect(await hostState()).toBe(before);
  const next = await Engine.start();
  const one = await next.ask({ do: 'start', name: 'one', network: 'net' });
  expect(await inside(one.pid, 'ip route')).toContain('default');
  endContainers();
  await next.ask({ do: 'leave', name: one.containerId });
  await next.end();
  await expect.poll(hostState).toBe(before);
});

test.each(['used', 'unused'])(
  'a bridge that a killed engine has not marked yet goes with its network, %s',
  async (how) => {
    const engine = await Engine.start();
    await engine.ask({ do: 'create', name: 'net' });
    await engine.kill();
    const [bridge = ''] = openLinks()
      .list()
      .flatMap(({ name, type }) => (type === 'bridge' && name.startsWith('tsc') ? [name] : []));
    await shell(`ip link set dev ${bridge} alias ''`);
    const next = await Engine.start();
    if (how === 'used') {
      const one = await next.ask({ do: 'start', name: 'one', network: 'net' });
      endContainers();
      await next.ask({ do: 'leave', name: one.containerId });
    }
    await next.ask({ do: 'remove', name: 'net' });
    await next.end();
    await expect.poll(hostState).toBe(before);
  },
);

test('after a killed engine ports go on, and a new one serves names, takes the ports and hands out other addresses', async () => {
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  const one = await engine.ask({ do: 'start', name: 'one', network: 'net', port: 8080 });
  const two = await engine.ask({ do: 'start', name: 'two', network: 'net' });
  await serve(one.pid, 'still here');
  await engine.kill();
  expect(await shell(readTcp('127.0.0.1', 8080))).toBe('still here');

  const next = await Engine.start();
  expect(await inside(two.pid, lookUp('one'))).toContain(one.address);
  expect(await shell(readTcp('127.0.0.1', 8080))).toBe('still here');
  expect(await shell(readTcp('::1', 8080))).toBe('still here');
  await expect(next.ask({ do: 'start', name: 'rival', network: 'net', port: 8080 })).rejects.toThrow('container one');
  const three = await next.ask({ do: 'start', name: 'three', network: 'net' });
  expect([one.address, two.address]).not.toContain(three.address);
  expect(await inside(three.pid, readTcp(one.address, 80))).toBe('still here');

  endContainers();
  for (const { containerId } of [one, two, three]) await next.ask({ do: 'leave', name: containerId });
  await next.ask({ do: 'remove', name: 'net' });
  await next.end();
  await expect.poll(hostState).toBe(before);
});

test('a name that is asked for while no engine runs is found by the next one', async () => {
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  const one = await engine.ask({ do: 'start', name: 'one', network: 'net' });
  await engine.kill();
  const conf = join(folder, 'resolv.conf');
  writeFileSync(conf, 'nameserver 127.0.0.11\noptions ndots:0 timeout:2 attempts:5\n');
  const ask = `mount --bind ${conf} /etc/resolv.conf; python3 -c "import socket; print(socket.gethostbyname(\\"one\\"))"`;
  const found = inside(one.pid, `unshare --mount sh -c '${ask}'`);
  await expect.poll(() => inside(one.pid, 'cat /proc/net/udp')).toContain('0B00007F:');
  const next = await Engine.start();
  expect(await found).toBe(one.address);
  endContainers();
  await next.ask({ do: 'leave', name: one.containerId });
  await next.ask({ do: 'remove', name: 'net' });
  await next.end();
  await expect.poll(hostState).toBe(before);
});

test('containers that ended while no engine ran leave nothing behind', async () => {
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  await engine.ask({ do: 'start', name: 'one', network: 'net', port: 8080 });
  await engine.kill();
  endContainers();
  const next = await Engine.start();
  await next.ask({ do: 'start', name: 'two', network: 'net', port: 8080 });
  expect(readdirSync(join(folder, 'run/sandboxes')).length).toBe(1);
  endContainers();
  await next.kill();
  const last = await Engine.start();
  await last.end();
  await expect.poll(hostState).toBe(before);
});

test('killed at any moment of a join, an engine leaves nothing that the next does not clear away', async () => {
  for (let round = 0; round < 12; round += 1) {
    const engine = await Engine.start();
    if (round === 0) await engine.ask({ do: 'create', name: 'net' });
    for (let index = 0; index < 3; index += 1) {
      await engine.ask({ do: 'half', name: `c${index}`, network: 'net', port: 8080 + index });
    }
    await new Promise((resolve) => setTimeout(resolve, round * 2)); // the moment is the point
    await engine.kill();
  }
  const next = await Engine.start();
  expect(readdirSync(join(folder, 'run/sandboxes'))).toEqual([]);
  const one = await next.ask({ do: 'start', name: 'one', network: 'net', port: 8080 });
  await serve(one.pid, 'one');
  expect(await shell(readTcp('127.0.0.1', 8080))).toBe('one');
  endContainers();
  await next.ask({ do: 'leave', name: one.containerId });
  await next.end();
  await expect.poll(hostState).toBe(before);
}, 120_000);

test('two engines side by side take different ranges and do not disturb each other', async () => {
  const second = join(folder, 'second');
  const [left, right] = await Promise.all([Engine.start('11112222'), Engine.start('33334444', second)]);
  const one = await left.ask({ do: 'start', name: 'one', network: 'bridge', port: 8080 });
  const two = await right.ask({ do: 'start', name: 'two', network: 'bridge', port: 8081 });
  const three = await right.ask({ do: 'start', name: 'three', network: 'bridge' });
  expect(one.address.split('.').slice(0, 2)).not.toEqual(two.address.split('.').slice(0, 2));
  await serve(one.pid, 'left');
  await serve(two.pid, 'right');
  expect(await inside(three.pid, readTcp(two.address, 80))).toBe('right');
  expect(await inside(three.pid, readTcp(one.address, 80, 1))).toContain('refused');
  expect(await shell(readTcp('127.0.0.1', 8080))).toBe('left');
  expect(await shell(readTcp('127.0.0.1', 8081))).toBe('right');
  sendSignal(one.pid, 'SIGKILL');
  await left.ask({ do: 'leave', name: one.containerId });
  await left.end();
  expect(await shell(readTcp('127.0.0.1', 8081))).toBe('right');
  endContainers();
  for (const { containerId } of [two, three]) await right.ask({ do: 'leave', name: containerId });
  await right.end();
  await expect.poll(hostState).toBe(before);
});

test('a firewall like that of dockerd lets containers speak, and is left as it was', async () => {
  await shell(`iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN
    iptables -A FORWARD -j DOCKER-USER; sysctl -w net.bridge.bridge-nf-call-iptables=1`);
  const guarded = await hostState();
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  await engine.ask({ do: 'create', name: 'net2' });
  const one = await engine.ask({ do: 'start', name: 'one', network: 'net', port: 8080 });
  const two = await engine.ask({ do: 'start', name: 'two', network: 'net' });
  const other = await engine.ask({ do: 'start', name: 'other', network: 'net2' });
  await serve(one.pid, 'through');
  expect(await inside(two.pid, readTcp(one.address, 80))).toBe('through');
  expect(await inside(other.pid, readTcp(one.address, 80, 1))).toContain('refused');
  expect(await shell(readTcp('127.0.0.1', 8080))).toBe('through');
  const rules = await shell('iptables -S DOCKER-USER');
  expect(rules.match(/--mark 0x8000000\/0x8000000 -m comment --comment tscompose-11112222 -j ACCEPT/g)?.length).toBe(1);
  await engine.kill();
  endContainers();
  const next = await Engine.start();
  await next.ask({ do: 'remove', name: 'net' });
  await next.ask({ do: 'remove', name: 'net2' });
  await next.end();
  expect(await hostState()).toBe(guarded);
  await shell('iptables -P FORWARD ACCEPT; iptables -F FORWARD; iptables -F DOCKER-USER; iptables -X DOCKER-USER');
});

/** What dockerd 26 makes for one bridge and a container on it that publishes port 80 of the two it serves. */
const dockersRules = `iptables -P FORWARD DROP
  for chain in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do iptables -N $chain; done
  iptables -A FORWARD -j DOCKER-USER
  iptables -A FORWARD -j DOCKER-ISOLATION-STAGE-1
  for bridge in br-0123456789ab custom0; do
    iptables -A FORWARD -o $bridge -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    iptables -A FORWARD -o $bridge -j DOCKER
    iptables -A FORWARD -i $bridge ! -o $bridge -j ACCEPT
    iptables -A FORWARD -i $bridge -o $bridge -j ACCEPT
    iptables -A DOCKER-ISOLATION-STAGE-1 -i $bridge ! -o $bridge -j DOCKER-ISOLATION-STAGE-2
    iptables -A DOCKER-ISOLATION-STAGE-2 -o $bridge -j DROP
  done
  iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
  iptables -A DOCKER-ISOLATION-STAGE-2 -j RETURN
  iptables -A DOCKER-USER -j RETURN`;

/** A process on a bridge as dockerd makes it. */
async function dockersContainer(bridge: string, network: string): Promise<number> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  containers.push(pid);
  const failure = await shell(`set -e
    ip link add ${bridge} type bridge; ip address add ${network}.1/24 dev ${bridge}; ip link set ${bridge} up
    ip link add v${bridge.slice(0, 12)} type veth peer name eth0 netns ${pid}
    ip link set v${bridge.slice(0, 12)} master ${bridge} up
    nsenter --net=/proc/${pid}/ns/net ip address add ${network}.2/24 dev eth0
    nsenter --net=/proc/${pid}/ns/net ip link set eth0 up
    nsenter --net=/proc/${pid}/ns/net ip route add default via ${network}.1
    iptables -A DOCKER -d ${network}.2/32 ! -i ${bridge} -o ${bridge} -p tcp -m tcp --dport 80 -j ACCEPT`);
  expect(failure).toBe('');
  return pid;
}

test('beside dockerd neither engine reaches ports of the other that are not published', async () => {
  await shell(dockersRules);
  const theirs = [
    { pid: await dockersContainer('br-0123456789ab', '172.31.7'), address: '172.31.7.2' },
    { pid: await dockersContainer('custom0', '172.31.8'), address: '172.31.8.2' },
  ];
  const engine = await Engine.start();
  await engine.ask({ do: 'create', name: 'net' });
  const ours = await engine.ask({ do: 'start', name: 'ours', network: 'net', port: 8080 });
  const gateway = (await shell(`ip -o -4 address | awk '$2 ~ /^tsc/ { print $4 }'`)).split('/')[0] ?? '';
  await serve(ours.pid, 'ours');
  for (const { pid, address } of theirs) {
    await serve(pid, 'published', 80);
    await serve(pid, 'hidden', 81);
    expect(await inside(ours.pid, readTcp(address, 80))).toBe('published');
    expect(await inside(ours.pid, readTcp(address, 81, 1))).toContain('refused');
    expect(await inside(pid, readTcp(gateway, 8080))).toBe('ours');
    expect(await inside(pid, readTcp(ours.address, 80, 1))).toContain('refused');
  }
  await engine.kill();
  await shell(
    `iptables -P FORWARD ACCEPT; iptables -F; iptables -X; ip link delete br-0123456789ab; ip link delete custom0`,
  );
});

test('rules that somebody flushed are all back with the next change', async () => {
  const own = new NetworksSandbox();
  const networks = await own.open();
  const net = await networks.create({ Name: 'net' });
  const port = { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const };
  const one = await own.guest(networks, 'one', { on: [net], ports: [port] });
  await one.serveTcp(80, 'one');
  await shell('nft flush ruleset');
  await own.guest(networks, 'two', { on: [net], ports: [{ ...port, hostPort: 8081 }] });
  expect(await shell('nft list ruleset')).toMatch(/tcp \. 8080 : /);
  expect(await shell(readTcp('127.0.0.1', 8080))).toBe('one');
  await own.remove();
  await networks.stop();
});
