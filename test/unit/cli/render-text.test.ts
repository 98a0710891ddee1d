import { describe, expect, test } from 'vitest';
import { humanSize } from '../../../src/cli/render/byte-size.js';
import { renderPorts } from '../../../src/cli/render/port-list.js';
import { humanDuration } from '../../../src/cli/render/relative-time.js';
import { renderTable } from '../../../src/cli/render/table.js';

import { textWidth, truncate } from '../../../src/cli/render/text-width.js';
import { renderTransfer } from '../../../src/cli/render/transfer.js';

const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;

test.each([
  [0, 'Less than a second'],
  [second, '1 second'],
  [59 * second, '59 seconds'],
  [60 * second, 'About a minute'],
  [119 * second, 'About a minute'],
  [46 * 60 * second, '46 minutes'],
  [60 * 60 * second, 'About an hour'],
  [89 * 60 * second, 'About an hour'],
  [90 * 60 * second, '2 hours'],
  [47 * hour, '47 hours'],
  [48 * hour, '2 days'],
  [13 * day, '13 days'],
  [14 * day, '2 weeks'],
  [59 * day, '8 weeks'],
  [60 * day, '2 months'],
  [729 * day, '24 months'],
  [730 * day, '2 years'],
])('%i ms are %s', (duration, words) => {
  expect(humanDuration(duration)).toBe(words);
});

test.each([
  [0, '0B'],
  [999, '999B'],
  [1_000, '1kB'],
  [4_266_000, '4.27MB'],
  [123_456_789, '123MB'],
  [2_000_000_000, '2GB'],
])('%i bytes are %s', (bytes, words) => {
  expect(humanSize(bytes)).toBe(words);
});

test('a table has three spaces between columns and no trailing ones', () => {
  expect(renderTable(['NAME', 'STATUS'], [['hitos-web-1', 'Up 2 seconds']])).toBe(
    'NAME          STATUS\nhitos-web-1   Up 2 seconds\n',
  );
});

test('widths count cells: escapes none, wide characters two', () => {
  expect(textWidth('\u001b[1;32mgrün\u001b[0m')).toBe(4);
  expect(textWidth('日本')).toBe(4);
  expect(textWidth('👩‍👩‍👧')).toBe(2);
  expect(truncate('日本語', 5)).toBe('日本…');
  expect(truncate('abc', 3)).toBe('abc');
  expect(truncate('abcd', 3)).toBe('ab…');
});

describe('ports', () => {
  const tcp = (PrivatePort: number, PublicPort?: number, IP?: string) => ({
    Type: 'tcp',
    PrivatePort,
    ...(PublicPort === undefined ? {} : { PublicPort }),
    ...(IP === undefined ? {} : { IP }),
  });
  test('published ones show where, exposed ones only themselves', () => {
    expect(renderPorts([tcp(443), tcp(80, 8080, '0.0.0.0'), tcp(80, 8080, '::')])).toBe(
      '443/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp',
    );
  });
  test('a run of ports on one address is one range, but not of ports that differ outside', () => {
    expect(renderPorts([8002, 8000, 8001].map((port) => tcp(port, port, '0.0.0.0')))).toBe(
      '0.0.0.0:8000-8002->8000-8002/tcp',
    );
    expect(renderPorts([8001, 8000].map((port) => tcp(port - 7920, port, '0.0.0.0')))).toBe(
      '0.0.0.0:8000->80/tcp, 0.0.0.0:8001->81/tcp',
    );
  });
  test('a gap, on either side, ends the run', () => {
    expect(renderPorts([tcp(80, 8000, '0.0.0.0'), tcp(81, 8005, '0.0.0.0'), tcp(90), tcp(91)])).toBe(
      '90-91/tcp, 0.0.0.0:8000->80/tcp, 0.0.0.0:8005->81/tcp',
    );
  });
});

test('a transfer is one bar over all its parts', () => {
  expect(renderTransfer([])).toBe('');
  expect(
    renderTransfer([
      { current: 2_000_000, total: 4_000_000 },
      { current: 0, total: 4_000_000 },
    ]),
  ).toBe('[===>      ] 2MB/8MB');
  expect(renderTransfer([{ current: 5, total: 5 }])).toBe('[==========] 5B/5B');
});

test('a table on a terminal shortens its widest columns, each in the middle', () => {
  const rows = [['a-rather-long-project-web-1', 'busybox', 'Up 2 seconds']];
  expect(renderTable(['NAME', 'IMAGE', 'STATUS'], rows, 44)).toBe(
    'NAME                  IMAGE     STATUS\na-rather-…ect-web-1   busybox   Up 2 seconds\n',
  );
  expect(renderTable(['NAME', 'IMAGE', 'STATUS'], rows, 100)).toBe(renderTable(['NAME', 'IMAGE', 'STATUS'], rows));
});

test('seven columns fit sixty cells with less between them', () => {
  const titles = ['NAME', 'IMAGE', 'COMMAND', 'SERVICE', 'CREATED', 'STATUS', 'PORTS'];
  const row = [
    'shop-web-1',
    'shop-web',
    '"sh -c \'sleep 1\'"',
    'web',
    '1 second ago',
    'Up 1 second',
    '0.0.0.0:18080->80/tcp',
  ];
  const lines = renderTable(titles, [row], 60).trimEnd().split('\n');
  expect(lines.map(textWidth).filter((width) => width > 60)).toEqual([]);
  expect(lines[0]?.split(/ +/)).toEqual(titles);
});
