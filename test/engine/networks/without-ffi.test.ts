import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLinks } from '../../../src/engine/sys/index.js';
import { chooseWay, enterPrivateNamespaces } from '../sys/private-namespaces.js';
import { askUdp, NetworksSandbox, readTcp, shell } from './guest.js';

const own = new NetworksSandbox();

beforeAll(() => {
  enterPrivateNamespaces();
  const links = openLinks();
  links.apply([{ kind: 'set-up', name: 'lo' }]);
  links.close();
  chooseWay('off');
});
afterAll(async () => {
  await own.remove();
  chooseWay('on');
});

test('with the ordinary tools alone containers have addresses, names and ports, and all of it goes again', async () => {
  const state = (): Promise<string> => shell('ip -o link | wc -l; nft list ruleset');
  const before = await state();
  const networks = await own.open();
  const net = await networks.create({ Name: 'net', EnableIPv6: true });
  const closed = await networks.create({ Name: 'closed', Internal: true });
  const ports = [
    { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const },
    { hostIp: '', hostPort: 5300, containerPort: 53, protocol: 'udp' as const },
  ];
  const web = await own.guest(networks, 'web', { on: [net], ports });
  const client = await own.guest(networks, 'client', { on: [net] });
  const inmate = await own.guest(networks, 'inmate', { on: [closed] });
  const mate = await own.guest(networks, 'mate', { on: [closed] });
  await web.serveTcp(80, 'web');
  await web.serveUdp(53, 'udp');
  const lookUp = (name: string): string => `busybox nslookup ${name} 127.0.0.11`;
  expect(await client.run(lookUp('web'))).toContain(web.address('net'));
  expect(await inmate.run(lookUp('mate'))).toContain(mate.address('closed'));
  expect(await inmate.run(lookUp('web'))).not.toContain(web.address('net'));
  expect(await client.run(readTcp(web.address('net'), 80))).toBe('web');
  for (const address of ['127.0.0.1', '::1']) expect(await shell(readTcp(address, 8080))).toBe('web');
  expect(await shell(askUdp('127.0.0.1', 5300))).toMatch(/^udp/);
  for (const guest of [web, client, inmate, mate]) {
    await guest.kill();
    await networks.leave(guest.id);
  }
  for (const name of ['net', 'closed']) await networks.remove(name);
  await networks.stop();
  await expect.poll(state).toBe(before);
}, 60_000);
