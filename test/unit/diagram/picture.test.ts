import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeDiagram, drawDiagram, type Diagram } from '../../../src/diagram/index.js';
import { load } from '../compose/load-text.js';

const shop = `
name: shop
services:
  web:
    build: ./web
    ports: ["8080:80", "127.0.0.1:53:53/udp", "9000-9002:9000-9002", "70"]
    networks: [front, back]
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started, required: false}
      migrate: {condition: service_completed_successfully}
  migrate: {image: "app@sha256:${'a'.repeat(64)}", networks: [back], depends_on: [db]}
  db: {image: postgres, networks: [back], volumes: ["data:/data", "logs:/logs:ro"]}
  cache: {image: valkey, network_mode: host, scale: 2}
networks: {front: {}, back: {internal: true}}
volumes: {data: {}, logs: {external: true}}
`;

async function diagramOf(text: string): Promise<Diagram> {
  return describeDiagram((await load(text)).project);
}

test('the JSON says what there is', async () => {
  const picture = JSON.parse(await drawDiagram(await diagramOf(shop), 'json')) as Diagram;
  expect(picture.services.map(({ name, replicas, networks }) => [name, replicas, networks])).toEqual([
    ['cache', 2, []],
    ['db', 1, ['back']],
    ['migrate', 1, ['back']],
    ['web', 1, ['back', 'front']],
  ]);
  expect(picture.dependencies).toContainEqual({
    from: 'web',
    to: 'cache',
    condition: 'service_started',
    required: false,
    restart: false,
    via: ['depends_on'],
  });
  expect(picture.networks[0]).toEqual({ key: 'back', name: 'shop_back', external: false, internal: true });
  expect(picture.volumes[1]).toEqual({ key: 'logs', name: 'logs', external: true });
  expect(picture.mounts).toEqual([
    { service: 'db', volume: 'data', target: '/data', read_only: false },
    { service: 'db', volume: 'logs', target: '/logs', read_only: true },
  ]);
});

test('Mermaid for Markdown', async () => {
  expect(await drawDiagram(await diagramOf(shop), 'mermaid')).toMatchInlineSnapshot(`
    "flowchart LR
      s0["cache × 2<br/>valkey<br/>network host"]
      s1["db<br/>postgres<br/>back"]
      s2["migrate<br/>app@aaaaaaa<br/>back"]
      s3["web<br/>build ./web<br/>8080 → 80, 127.0.0.1:53 → 53/udp, 9000-9002 → 9000-9002, 70<br/>back, front"]
      v0[("data")]
      v1[("logs")]
      s2 -->|"started"| s1
      s3 -.->|"started, optional"| s0
      s3 -->|"healthy"| s1
      s3 -->|"completed"| s2
      s1 --- v0
      s1 ---|"read-only"| v1
    "
  `);
});

test('DOT for Graphviz', async () => {
  expect(await drawDiagram(await diagramOf(shop), 'dot')).toMatchInlineSnapshot(`
    "digraph "shop" {
      rankdir=LR;
      node [shape=box, style=rounded, fontname="Helvetica,Arial,sans-serif", fontsize=12];
      edge [fontname="Helvetica,Arial,sans-serif", fontsize=10];
      "service cache" [label="cache × 2\\nvalkey\\nnetwork host"];
      "service db" [label="db\\npostgres\\nback"];
      "service migrate" [label="migrate\\napp@aaaaaaa\\nback"];
      "service web" [label="web\\nbuild ./web\\n8080 → 80, 127.0.0.1:53 → 53/udp, 9000-9002 → 9000-9002, 70\\nback, front"];
      "volume data" [label="data", shape=cylinder, style=solid];
      "volume logs" [label="logs", shape=cylinder, style=dashed];
      "service migrate" -> "service db" [label="started", style=solid];
      "service web" -> "service cache" [label="started, optional", style=dotted];
      "service web" -> "service db" [label="healthy", style=solid];
      "service web" -> "service migrate" [label="completed", style=dashed];
      "service db" -> "volume data" [label="/data", arrowhead=none, color=gray50, fontcolor=gray50];
      "service db" -> "volume logs" [label="/logs (read-only)", arrowhead=none, color=gray50, fontcolor=gray50];
    }
    "
  `);
});

test('a network that everything is in is not worth a word', async () => {
  const picture = await drawDiagram(await diagramOf('services: {web: {image: nginx}}'), 'dot');
  expect(picture).not.toContain('default');
});

/** Names a compose file cannot hold, images it can: what must be escaped may stand anywhere. */
const awkward = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });

function oneService(text: string): Diagram {
  const service = { name: text, image: text, replicas: 1, profiles: [text], ports: [], networks: [text, 'b'] };
  return {
    name: text,
    services: [service],
    dependencies: [],
    networks: [text, 'b'].map((key) => ({ key, name: key, external: false, internal: true })),
    volumes: [{ key: text, name: text, external: false }],
    mounts: [{ service: text, volume: text, target: text, read_only: false }],
  };
}

describe('texts are escaped', () => {
  test('the SVG is well-formed XML whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(awkward, async (text) => {
        expect(faultOf(await drawDiagram(oneService(text), 'svg'))).toBeUndefined();
      }),
    );
  });

  test('every line of the Mermaid text is a statement of a flowchart', async () => {
    const label = String.raw`"[^"\\<>\n]*(?:<br/>[^"\\<>\n]*)*"`;
    const statement = new RegExp(
      String.raw`^(?:flowchart LR|  s\d+\[${label}\]|  v\d+\[\(${label}\)\]|  s\d+ -\.?->\|${label}\| s\d+|  s\d+ ---(?:\|${label}\|)? v\d+)$`,
      'u',
    );
    await fc.assert(
      fc.asyncProperty(awkward, async (text) => {
        const lines = (await drawDiagram(oneService(text), 'mermaid')).split('\n').slice(0, -1);
        for (const line of lines) expect(line).toMatch(statement);
      }),
    );
  });

  const graphviz = spawnSync('dot', ['-V']).error === undefined;
  test.skipIf(!graphviz)('Graphviz reads the DOT text (needs dot)', async () => {
    const nasty = 'a"b\\c\\"<x>&amp;#;{}|\n[日本語]';
    const drawn = execFileSync('dot', ['-Tplain'], { input: await drawDiagram(oneService(nasty), 'dot') }).toString();
    expect(drawn).toMatch(/^node .*service a/m);
  });
});

test('the picture follows light and dark mode and loads nothing', async () => {
  const picture = await drawDiagram(await diagramOf(shop), 'svg');
  expect(picture).toContain('prefers-color-scheme:dark');
  expect(picture.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|@import|<image|href/);
});

test('the legend explains what the picture uses and nothing else', async () => {
  const meanings = (picture: string) =>
    [...picture.matchAll(/<text class="note"[^>]*>([^<]*)/g)].map(([, text]) => text);
  expect(meanings(await drawDiagram(await diagramOf(shop), 'svg'))).toEqual([
    'needs started',
    'needs healthy',
    'needs completed',
    'optional',
    'mounts volume',
    'external volume',
    'network, internal',
    'network',
  ]);
  expect(meanings(await drawDiagram(await diagramOf('services: {web: {image: nginx}}'), 'svg'))).toEqual([]);
});

test('what does not fit a card is cut, and told in full by its title', async () => {
  const image = `registry.example.com/${'team/'.repeat(20)}app:1.2`;
  const picture = await drawDiagram(await diagramOf(`services: {web: {image: "${image}"}}`), 'svg');
  expect(picture).toMatch(/<text class="origin"[^>]*>…[^<]{10,40}app:1\.2</);
  expect(picture).toContain(`<title>web · ${image}`);
  const [, width = '0'] = /<g class="service">.*?<rect [^>]*width="(\d+)"/.exec(picture) ?? [];
  expect(Number(width)).toBeLessThanOrEqual(232);
});

/** Why a text is not well-formed XML, as far as we write it. */
function faultOf(xml: string): string | undefined {
  if (/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(xml)) return 'a character XML does not have';
  const open: string[] = [];
  let rest = xml;
  while (rest !== '') {
    const [text = ''] = /^[^<]*/.exec(rest) ?? [];
    if (/&(?!(?:amp|lt|gt|quot);)/.test(text)) return `a bare & in ${text}`;
    rest = rest.slice(text.length);
    if (rest === '') break;
    const tag = /^<(\/?)([a-z]+)((?: [a-zA-Z-]+="[^"<]*")*)(\/?)>/.exec(rest);
    if (tag === null) return `no tag: ${rest.slice(0, 40)}`;
    const [whole, closing, name = '', attributes = '', empty] = tag;
    if (/&(?!(?:amp|lt|gt|quot);)/.test(attributes)) return `a bare & in ${whole}`;
    if (closing === '/' && open.pop() !== name) return `${whole} closes nothing`;
    if (closing === '' && empty === '') open.push(name);
    rest = rest.slice(whole.length);
  }
  return open.length === 0 ? undefined : `${open.join(', ')} not closed`;
}
