import { expect, test } from 'vitest';
import { describeLink } from '../../../../src/engine/containers/links.js';

const link = (ports: string[], alias = 'friend') =>
  describeLink({ alias, place: `/me/${alias}`, address: '10.0.0.2', ports, env: ['A=b c'] });

test('a link names the other, its ports and its environment', () => {
  expect(link(['80/tcp'])).toEqual([
    'FRIEND_PORT=tcp://10.0.0.2:80',
    'FRIEND_PORT_80_TCP=tcp://10.0.0.2:80',
    'FRIEND_PORT_80_TCP_ADDR=10.0.0.2',
    'FRIEND_PORT_80_TCP_PORT=80',
    'FRIEND_PORT_80_TCP_PROTO=tcp',
    'FRIEND_NAME=/me/friend',
    'FRIEND_ENV_A=b c',
  ]);
});

test('ports that follow each other in one protocol are a range too, once', () => {
  const words = link(['7002/tcp', '7001/tcp', '7000/tcp', '7010/udp', '7011/tcp'], 'fri-end');
  expect(words.filter((word) => /_(START|END)=/.test(word))).toEqual([
    'FRI_END_PORT_7000_TCP_START=tcp://10.0.0.2:7000',
    'FRI_END_PORT_7000_TCP_PORT_START=7000',
    'FRI_END_PORT_7000_TCP_END=tcp://10.0.0.2:7002',
    'FRI_END_PORT_7000_TCP_PORT_END=7002',
  ]);
});

test('the lowest port is the main one, tcp before udp', () => {
  expect(link(['90/tcp', '53/udp'])[0]).toBe('FRIEND_PORT=udp://10.0.0.2:53');
  expect(link(['53/udp', '53/tcp'])[0]).toBe('FRIEND_PORT=tcp://10.0.0.2:53');
  expect(link([])).toEqual(['FRIEND_NAME=/me/friend', 'FRIEND_ENV_A=b c']);
});
