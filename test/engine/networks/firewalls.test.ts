import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { NetworksSandbox, readTcp, shell } from './guest.js';
import { Neighbour } from './neighbour.js';

/**
 * This machine, 192.0.2.1 and 198.51.100.1, with a neighbour on each side, .9, whose traffic it does not pass on; and
 * firewalls that drop what is forwarded.
 */
const own = new NetworksSandbox();
const sides: Neighbour[] = [];

beforeAll(() => {
  enterPrivateNamespaces();
  for (const [index, prefix] of ['192.0.2', '198.51.100'].entries()) {
    const theirs = [9, 77, 78].map((last) => `${prefix}.${last}/24`);
    const gateways = [`${prefix}.1`];
    sides.push(new Neighbour({ link: `eth${index}`, ours: [`${prefix}.1/24`], theirs, gateways }));
  }
});
afterEach(() => shell('nft flush ruleset'));
afterAll(async () => {
  await own.remove();
  for (const side of sides) side.close();
});

const port = { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const };
const from = async (side: number, script: string): Promise<string | undefined> => sides[side]?.run(script);
const reaches = (address: string): string => `busybox ping -c 1 -W 2 ${address} >/dev/null 2>&1 && echo yes || echo no`;

const firewalls = {
  'ufw, which drops': `iptables -P FORWARD DROP; iptables -N ufw-before-forward; iptables -N ufw-reject-forward
    iptables -A FORWARD -j ufw-before-forward; iptables -A FORWARD -j ufw-reject-forward
    iptables -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    iptables -A ufw-before-forward -d 198.51.100.77/32 -j DROP`,
  'ufw, which rejects': `iptables -N ufw-reject-forward; iptables -A FORWARD -d 198.51.100.77/32 -j DROP
    iptables -A FORWARD -j ufw-reject-forward; iptables -A ufw-reject-forward -j REJECT`,
  firewalld: `nft 'table inet firewalld {
    chain filter_FORWARD {
      type filter hook forward priority filter + 10; policy accept;
      ct state established,related accept
      ct status dnat accept
      iifname "lo" accept
      ip daddr 198.51.100.77 drop
      ct state invalid drop
      reject with icmpx admin-prohibited
    }
  }'`,
  'a rule set of one’s own': `nft 'table inet filter {
    chain forward {
      type filter hook forward priority filter; policy drop;
      ip daddr 198.51.100.77 counter drop
    }
  }'`,
} as const;

describe.each(Object.entries(firewalls))('beside %s', (_, setUp) => {
  test('containers speak and are spoken to, and nothing else is let through', async () => {
    expect(await shell(setUp)).toBe('');
    const before = await shell('nft -s list ruleset | grep -v tscompose');
    const networks = await own.open();
    const web = await own.guest(networks, 'web', { on: [await networks.create({ Name: 'front' })], ports: [port] });
    await web.serveTcp(80, 'web');
    const tried = await Promise.all([
      web.run(reaches('198.51.100.9')),
      from(0, readTcp('192.0.2.1', 8080)),
      from(0, readTcp(web.address('front'), 80, 1)),
      from(0, reaches('198.51.100.9')),
      web.run(reaches('198.51.100.77')), // what the firewall itself forbids
      web.run(reaches('198.51.100.78')),
    ]);
    expect(tried).toEqual(['yes', 'web', expect.stringContaining('refused'), 'no', 'no', 'yes']);
    await own.endGuests(networks);
    await networks.remove('front');
    await networks.stop();
    expect(await shell('nft -s list ruleset')).toBe(before);
  });
});

test('rules that are flushed while nothing changes are put back by themselves, in a firewall loaded anew as well', async () => {
  const networks = await own.open();
  const web = await own.guest(networks, 'web', { on: [await networks.create({ Name: 'front' })], ports: [port] });
  await web.serveTcp(80, 'web');
  expect(await from(0, readTcp('192.0.2.1', 8080))).toBe('web');
  await shell(`nft flush ruleset; ${firewalls['a rule set of one’s own']}`);
  await expect.poll(() => web.run(reaches('198.51.100.9')), { timeout: 20_000 }).toBe('yes');
  expect(await from(0, readTcp('192.0.2.1', 8080))).toBe('web');
  expect(await shell('nft list ruleset')).toMatch(/tcp \. 8080 : /);
  await own.endGuests(networks);
  await networks.stop();
});
