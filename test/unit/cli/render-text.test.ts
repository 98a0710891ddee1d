import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { humanSize } from '../../../src/cli/render/byte-size.js';
import { briefPorts, renderPorts } from '../../../src/cli/render/port-list.js';
import { humanDuration } from '../../../src/base/human-duration.js';
import { psColumns } from '../../../src/cli/commands/ps.js';
import { containerRow } from '../../../src/cli/render/container-row.js';
import { renderListing } from '../../../src/cli/render/listing.js';
import { renderTable, titled } from '../../../src/cli/render/table.js';

import { textWidth, truncate, truncateMiddle, truncateStart, wrapWords } from '../../../src/base/text-width.js';
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
  expect(renderTable(titled(['NAME', 'STATUS']), [['hitos-web-1', 'Up 2 seconds']])).toBe(
    'NAME          STATUS\nhitos-web-1   Up 2 seconds\n',
  );
});

test('widths count cells: escapes none, wide characters two', () => {
  expect(textWidth('\u001b[1;32mgrün\u001b[0m')).toBe(4);
  expect(textWidth('日本')).toBe(4);
  expect(textWidth('👩‍👩‍👧')).toBe(2);
  expect(truncate('日本語', 5)).toBe('日本…');
  expect(truncateStart('日本語', 5)).toBe('…本語');
  expect(truncateMiddle('日本語 日本語 日本語', 13)).toBe('日本語…日本語');
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

test('a line is broken between words and goes on further in; a long word keeps whole', () => {
  expect(wrapWords('  hint: see https://example.org/a/long/address or ask', 24)).toEqual([
    '  hint: see',
    '    https://example.org/a/long/address',
    '    or ask',
  ]);
  expect(wrapWords('as it is', undefined)).toEqual(['as it is']);
});

test('ports on every address are told once on a narrow terminal, others keep their address', () => {
  expect(briefPorts('0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 127.0.0.1:5432->5432/tcp, 9000/tcp')).toBe(
    '8080->80/tcp, 127.0.0.1:5432->5432/tcp, 9000/tcp',
  );
});

describe('a table on a terminal', () => {
  const container = (service: string, command: string, status: string, ports: Parameters<typeof renderPorts>[0]) =>
    containerRow(
      {
        Id: '0123456789abcdef',
        Names: [`/shop-${service}-1`],
        Image: service === 'db' ? 'busybox' : 'shop-web',
        ImageID: 'sha256:0',
        Command: command,
        Created: 1_000,
        Ports: [...ports],
        Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': service },
        State: 'running',
        Status: status,
        HostConfig: { NetworkMode: 'shop_default' },
        NetworkSettings: { Networks: {} },
        Mounts: [],
      },
      { full: false, nowMs: 61_000_000 },
    );
  const published = ['0.0.0.0', '::'].map((IP) => ({ IP, PrivatePort: 80, PublicPort: 18_080, Type: 'tcp' }));
  const rows = [
    container('db', "sh -c 'echo ready to accept'", 'Up 16 hours (healthy)', []),
    container('web', "sh -c 'while true; do serve; done'", 'Up 16 hours', published),
  ];
  const shown = (columns: number | undefined) =>
    `\n${renderListing('table', { rows, fitTo: columns, columns: psColumns(({ Status }) => Status, false) })}`;

  test('200 cells have room for all of ps, as where a program reads', () => {
    expect(shown(200)).toBe(shown(undefined));
    expect(shown(200)).toMatchInlineSnapshot(`
      "
      NAME         IMAGE      COMMAND                  SERVICE   CREATED        STATUS                  PORTS
      shop-db-1    busybox    "sh -c 'echo ready t…"   db        17 hours ago   Up 16 hours (healthy)   
      shop-web-1   shop-web   "sh -c 'while true; …"   web       17 hours ago   Up 16 hours             0.0.0.0:18080->80/tcp, [::]:18080->80/tcp
      "
    `);
  });
  test('100 cells: ports are said briefly, a command gives some of itself', () => {
    expect(shown(100)).toMatchInlineSnapshot(`
      "
      NAME        IMAGE     COMMAND            SERVICE  CREATED       STATUS                 PORTS
      shop-db-1   busybox   "sh -c 'echo rea…  db       17 hours ago  Up 16 hours (healthy)  
      shop-web-1  shop-web  "sh -c 'while tr…  web      17 hours ago  Up 16 hours            18080->80/tcp
      "
    `);
  });
  test('80 cells', () => {
    expect(shown(80)).toMatchInlineSnapshot(`
      "
      NAME        IMAGE     COMMAND      SERVICE  STATUS                 PORTS
      shop-db-1   busybox   "sh -c 'ec…  db       Up 16 hours (healthy)  
      shop-web-1  shop-web  "sh -c 'wh…  web      Up 16 hours            18080->80/tcp
      "
    `);
  });
  test('60 cells', () => {
    expect(shown(60)).toMatchInlineSnapshot(`
      "
      NAME        SERVICE  STATUS                 PORTS
      shop-db-1   db       Up 16 hours (healthy)  
      shop-web-1  web      Up 16 hours            18080->80/tcp
      "
    `);
  });
  test('40 cells', () => {
    expect(shown(40)).toMatchInlineSnapshot(`
      "
      NAME        STATUS
      shop-db-1   Up 16 hours (healthy)
      shop-web-1  Up 16 hours
      "
    `);
  });

  test('a very long list of ports gives way before other columns do', () => {
    const ports = Array.from({ length: 12 }, (_, at) => ({
      ...{ IP: '0.0.0.0', Type: 'tcp' as const },
      ...{ PrivatePort: 80 + at, PublicPort: 18_100 + at },
    }));
    const many = [container('web', "sh -c 'while true; do serve; done'", 'Up 16 hours', ports)];
    const columns = psColumns(({ Status }) => Status, false);
    expect(`\n${renderListing('table', { rows: many, fitTo: 140, columns })}`).toMatchInlineSnapshot(`
      "
      NAME        IMAGE     COMMAND                 SERVICE  CREATED       STATUS       PORTS
      shop-web-1  shop-web  "sh -c 'while true; …"  web      17 hours ago  Up 16 hours  18100->80/tcp, 18101->81/tcp, 18102->82/tcp, 18103->83/tc…
      "
    `);
    const whole = renderListing('table', { rows: many, columns });
    for (const { PublicPort } of ports) expect(whole).toContain(`0.0.0.0:${PublicPort}->`);
  });

  test('a cell is cut only when that spares a column', () => {
    const columns = [{ title: 'NAME', least: 16 }, { title: 'IMAGE', keep: 0 }, { title: 'STATUS' }];
    const table = (cells: number) =>
      renderTable(columns, [['a-rather-long-project-web-1', 'busybox', 'Up 2 seconds']], cells).split('\n')[1];
    expect(table(52)).toBe('a-rather-long-project-web-1   busybox   Up 2 seconds');
    expect(table(50)).toBe('a-rather-long-project-web-1  busybox  Up 2 seconds');
    expect(table(44)).toBe('a-rather-l…ject-web-1  busybox  Up 2 seconds');
    expect(table(36)).toBe('a-rather-lo…ject-web-1  Up 2 seconds');
  });

  test('no line is ever wider, whatever is in the cells', () => {
    const cell = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 20 }));
    const column = fc.record(
      {
        title: fc.string({ minLength: 1, maxLength: 12 }),
        least: fc.integer({ min: 1, max: 30 }),
        ample: fc.integer({ min: 1, max: 50 }),
        keep: fc.integer({ min: 0, max: 4 }),
        cut: fc.constantFrom('middle' as const, 'end' as const),
      },
      { requiredKeys: ['title'] },
    );
    const tables = fc
      .array(column, { minLength: 1, maxLength: 8 })
      .chain((columns) =>
        fc.tuple(fc.constant(columns), fc.array(fc.tuple(...columns.map(() => cell)), { maxLength: 4 })),
      );
    fc.assert(
      fc.property(tables, fc.integer({ min: 20, max: 200 }), ([columns, cells], limit) => {
        for (const line of renderTable(columns, cells, limit).trimEnd().split('\n')) {
          expect(textWidth(line)).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
