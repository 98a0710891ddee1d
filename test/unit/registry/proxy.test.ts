import { expect, test } from 'vitest';
import { proxiesOf, proxyFor } from '../../../src/registry/proxy.js';

const proxies = { http: 'plain.example:3128', https: 'http://me:secret@secure.example:8080', none: '' };

test('each scheme has its proxy, and loopback has none', () => {
  const through = (url: string) => proxyFor(new URL(url), proxies)?.href;
  expect(through('https://ghcr.io/v2/')).toBe('http://me:secret@secure.example:8080/');
  expect(through('http://10.0.0.1:5000/v2/')).toBe('http://plain.example:3128/');
  for (const host of ['localhost:5000', '127.0.0.1', '[::1]:5000']) expect(through(`https://${host}/`)).toBeUndefined();
  expect(() => proxyFor(new URL('https://ghcr.io'), { ...proxies, https: 'socks5://p:1' })).toThrow('socks5');
});

test.each([
  ['*', true],
  ['other.example, example.com', true],
  ['example.com', true],
  ['.example.com', true],
  ['*.example.com', true],
  ['registry.EXAMPLE.com', true],
  ['.registry.example.com', false],
  ['ample.com', false],
  ['example.com:5000', true],
  ['example.com:443', false],
  ['10.0.0.0/8', false],
])('of registry.example.com:5000, NO_PROXY=%s makes an exception: %s', (none, isException) => {
  expect(proxyFor(new URL('https://registry.example.com:5000'), { ...proxies, none }) === undefined).toBe(isException);
});

test.each([
  ['10.1.0.0/16', 'https://10.1.2.3', true],
  ['10.1.0.0/16', 'https://10.2.2.3', false],
  ['10.1.2.3', 'https://10.1.2.3:5000', true],
  ['10.1.2.3:443', 'https://10.1.2.3', true],
  ['fd00::/8', 'https://[fd00::1]:5000', true],
  ['fd00::1', 'https://[fd00::1]:5000', true],
  ['fd00::/8', 'https://10.1.2.3', false],
  ['3', 'https://10.1.2.3', false],
])('NO_PROXY=%s and %s: %s', (none, url, isException) => {
  expect(proxyFor(new URL(url), { ...proxies, none }) === undefined).toBe(isException);
});

test('the environment is read in capitals first', () => {
  expect(proxiesOf({ HTTPS_PROXY: 'a', https_proxy: 'b', http_proxy: 'c', NO_PROXY: '' })).toEqual({
    http: 'c',
    https: 'a',
    none: '',
  });
});
