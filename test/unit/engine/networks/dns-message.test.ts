import { decode, encode, TRUNCATED_RESPONSE, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  encodeFormatError,
  encodeResponse,
  parseQuery,
  reverseAddress,
  type DnsAnswer,
} from '../../../../src/engine/networks/dns-message.js';
import { frame, FrameReader } from '../../../../src/engine/networks/dns-forward.js';
import { NameTable, type NamedEndpoint } from '../../../../src/engine/networks/dns-names.js';

function question(name: string, type: 'A' | 'AAAA' | 'PTR' = 'A', more: Partial<Packet> = {}): Buffer {
  return encode({ type: 'query', id: 77, flags: 0x100, questions: [{ type, name, class: 'IN' }], ...more });
}

function parsed(message: Buffer): NonNullable<ReturnType<typeof parseQuery>> {
  const query = parseQuery(message);
  if (query === undefined) throw new Error('not a query');
  return query;
}

const addresses = (count: number): DnsAnswer[] =>
  Array.from({ length: count }, (_, index) => ({ type: 'A', value: `10.0.0.${index + 1}` }));

test('a query is read as another encoder wrote it, in lower case', () => {
  expect(parsed(question('Web.Example', 'AAAA'))).toMatchObject({
    ...{ id: 77, name: 'web.example', type: 28, recursionDesired: true, maxBytes: 512, edns: false },
  });
});

test('the answer is understood by another decoder and repeats the capitals of the question', () => {
  const response = decode(encodeResponse(parsed(question('Web')), 'NOERROR', addresses(2)));
  expect(response).toMatchObject({ id: 77, type: 'response', rcode: 'NOERROR', flag_rd: true, flag_ra: true });
  expect(response.questions).toMatchObject([{ name: 'Web', type: 'A' }]);
  expect(response.answers).toMatchObject([
    { name: 'Web', type: 'A', ttl: 600, data: '10.0.0.1' },
    { name: 'Web', type: 'A', ttl: 600, data: '10.0.0.2' },
  ]);
});

test('addresses of both families and names are encoded', () => {
  const six = decode(encodeResponse(parsed(question('a', 'AAAA')), 'NOERROR', [{ type: 'AAAA', value: 'fd00::1' }]));
  expect(six.answers).toMatchObject([{ data: 'fd00::1' }]);
  const name = decode(
    encodeResponse(parsed(question('1.0.0.10.in-addr.arpa', 'PTR')), 'NOERROR', [{ type: 'PTR', value: 'web.net' }]),
  );
  expect(name.answers).toMatchObject([{ data: 'web.net' }]);
});

test('what does not fit in a datagram is left out and the answer marked', () => {
  const bytes = encodeResponse(parsed(question('many')), 'NOERROR', addresses(60));
  const { answers = [], flags = 0 } = decode(bytes);
  expect(bytes.length).toBeLessThanOrEqual(512);
  expect(answers.length).toBe(30);
  expect(flags & TRUNCATED_RESPONSE).toBe(TRUNCATED_RESPONSE);
  expect(decode(encodeResponse(parsed(question('many')), 'NOERROR', addresses(60), 65_535)).answers?.length).toBe(60);
});

test('an asker that takes more, and says so, gets more', () => {
  const query = parsed(
    question('many', 'A', {
      additionals: [
        {
          type: 'OPT',
          name: '.',
          udpPayloadSize: 1232,
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    }),
  );
  expect(query).toMatchObject({ edns: true, maxBytes: 1232 });
  const response = decode(encodeResponse(query, 'NOERROR', addresses(60)));
  expect(response.answers?.length).toBe(60);
  expect(response.additionals).toMatchObject([{ type: 'OPT' }]);
});

test('no bytes whatever make the reader fail', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      parseQuery(Buffer.from(bytes));
      encodeFormatError(Buffer.from(bytes));
    }),
  );
});

test('answers, several questions and pointers in a question are no queries', () => {
  const plain = question('web');
  const answer = Buffer.from(plain);
  answer.writeUInt16BE(0x8100, 2);
  expect(parseQuery(answer)).toBeUndefined();
  expect(encodeFormatError(answer)).toBeUndefined();
  const two = Buffer.from(plain);
  two.writeUInt16BE(2, 4);
  expect(parseQuery(two)).toBeUndefined();
  const pointer = Buffer.from(plain);
  pointer[12] = 0xc0;
  expect(parseQuery(pointer)).toBeUndefined();
});

test('names below in-addr.arpa and ip6.arpa turn into addresses', () => {
  expect(reverseAddress('4.3.2.10.in-addr.arpa')).toBe('10.2.3.4');
  expect(reverseAddress('3.2.10.in-addr.arpa')).toBeUndefined();
  expect(reverseAddress(`1.${'0.'.repeat(29)}d.f.ip6.arpa`)).toBe('fd00:0000:0000:0000:0000:0000:0000:0001');
});

test.each(['256.0.0.10', '999.1.1.1', '001.0.0.10', '01.2.3.4', '1.2.3.1000'])(
  '%s.in-addr.arpa asks about no address',
  (name) => {
    expect(reverseAddress(`${name}.in-addr.arpa`)).toBeUndefined();
  },
);

test('a stream is cut into messages wherever it breaks', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.integer({ min: 1, max: 7 }), (messages, step) => {
      const stream = Buffer.concat(messages.map((message) => frame(Buffer.from(message))));
      const seen: string[] = [];
      const reader = new FrameReader((message) => seen.push(message.toString('hex')));
      for (let at = 0; at < stream.length; at += step) reader.push(stream.subarray(at, at + step));
      expect(seen).toEqual(messages.map((message) => Buffer.from(message).toString('hex')));
    }),
  );
});

const web = (address: string, networkId = 'n'): NamedEndpoint => ({
  ...{ networkId, networkName: 'Net', name: 'p-web-1', names: ['p-web-1', 'web'], addresses: [address] },
});

test('one name of several containers gives all addresses, each time in another order', () => {
  const names = new NameTable();
  for (const last of [1, 2, 3]) names.add(web(`10.0.0.${last}`));
  const asker = { networkIds: ['n'], links: new Map<string, string>() };
  const orders = Array.from({ length: 6 }, () => names.resolve(asker, 'web') ?? []);
  expect(new Set(orders.map(([first]) => first)).size).toBe(3);
  for (const order of orders) expect(order.toSorted()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
});

test('an endpoint that left is found neither by name nor by address, while its like still are', () => {
  const names = new NameTable();
  const [one, two] = [web('10.0.0.1'), web('10.0.0.2')];
  names.add(one);
  names.add(two);
  names.remove(one);
  const asker = { networkIds: ['n'], links: new Map([['store', 'web']]) };
  expect(names.resolve(asker, 'web.net')).toEqual(['10.0.0.2']);
  expect(names.resolve(asker, 'store')).toEqual(['10.0.0.2']);
  expect(names.reverse(asker, '10.0.0.1')).toBeUndefined();
  expect(names.reverse(asker, '10.0.0.2')).toBe('p-web-1.Net');
  expect(names.resolve({ networkIds: ['other'], links: new Map() }, 'web')).toBeUndefined();
});
