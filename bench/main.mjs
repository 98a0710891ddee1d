// Times commands over N services, and scaling one from 1 to 10, whole processes, in turn with a peer.
//
//   npm run bench -- [--sizes 1,10,30,100] [--runs 5] [--json FILE]
//
// Ours runs on an embedded engine with folders of its own. The peer is `docker compose` on the engine that DOCKER_HOST
// names (BENCH_PEER="command words" for another one); without DOCKER_HOST only ours is measured.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1,10,30,100' },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
const sizes = options.sizes.split(',').map(Number);
const runs = Number(options.runs);
const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'tscompose-bench-'));
/** Where the runtime folder is by default: in memory. */
const runtime = mkdtempSync('/run/tscompose-bench-');
const peerHost = process.env.DOCKER_HOST;

const withoutHost = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'DOCKER_HOST'));
const ours = {
  name: 'tscompose',
  command: [join(root, 'dist/tscompose.cjs')],
  firstPort: 21_000,
  env: {
    ...withoutHost,
    TSCOMPOSE_DATA_ROOT: join(work, 'data'),
    TSCOMPOSE_RUNTIME_DIR: runtime,
  },
};
const peer = {
  name: 'peer',
  command: (process.env.BENCH_PEER ?? 'docker compose').split(' '),
  firstPort: 23_000,
  env: process.env,
};
const tools = peerHost ? [ours, peer] : [ours];

function project(tool, size) {
  const folder = join(work, `${tool.name}-${size}`);
  mkdirSync(folder, { recursive: true });
  const services = Array.from({ length: size }, (_, index) =>
    [
      `  s${index}:`,
      '    image: busybox',
      '    command: ["sleep", "infinity"]',
      '    init: false',
      '    stop_grace_period: 0s',
      ...(index % 3 === 0 ? [`    ports: ["${tool.firstPort + index}:80"]`] : []),
    ].join('\n'),
  );
  writeFileSync(join(folder, 'compose.yaml'), `name: bench${size}\nservices:\n${services.join('\n')}\n`);
  return folder;
}

/** One service to be scaled. */
function scaled(tool) {
  const folder = join(work, `${tool.name}-scale`);
  mkdirSync(folder, { recursive: true });
  const worker = 'image: busybox, command: [sleep, infinity], stop_grace_period: 0s';
  writeFileSync(join(folder, 'compose.yaml'), `name: benchscale\nservices:\n  worker: { ${worker} }\n`);
  return folder;
}

/** Wall milliseconds of one whole process. */
function time(tool, folder, args) {
  const [program, ...first] = tool.command;
  const begin = process.hrtime.bigint();
  const result = spawnSync(program, [...first, ...args], { cwd: folder, env: tool.env, encoding: 'utf8' });
  const elapsed = Number(process.hrtime.bigint() - begin) / 1e6;
  if (result.status !== 0) {
    throw new Error(`${tool.name} ${args.join(' ')} in ${folder}: exit ${result.status}\n${result.stderr}`);
  }
  return elapsed;
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function statusOf(pid) {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024;
}

/** Resident MiB of the engine and, on average, of one container's monitor. */
function memory(engine) {
  const monitors = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return words.split('\0')[0].endsWith('conmon') && words.includes(runtime);
      } catch {
        return false; // ended meanwhile
      }
    })
    .map(statusOf);
  return {
    engine: statusOf(engine.pid),
    monitor: monitors.reduce((sum, one) => sum + one, 0) / (monitors.length || 1),
  };
}

function prepare() {
  execFileSync(process.execPath, [join(root, 'scripts/ensure-busybox.mjs')], { env: ours.env, stdio: 'inherit' });
  if (!peerHost) return;
  if (spawnSync('docker', ['image', 'inspect', 'busybox'], { env: peer.env }).status === 0) return;
  const archive = join(work, 'busybox.tar');
  execFileSync('sh', [join(root, 'scripts/busybox-rootfs.sh'), archive]);
  execFileSync('docker', ['import', '-c', 'CMD ["sh"]', archive, 'busybox'], { env: peer.env, stdio: 'ignore' });
}

const argsOf = {
  up: ['up', '-d'],
  'no-op up': ['up', '-d'],
  ps: ['ps'],
  logs: ['logs', '--tail', '10'],
  exec: ['exec', '-T', 's0', 'true'],
  restart: ['restart', '-t', '0'],
  down: ['down', '-t', '0'],
};
const steps = Object.keys(argsOf);
const results = [];
let footprint;

function record(services, step, timesOf) {
  const mine = median(timesOf(ours));
  const theirs = peerHost ? median(timesOf(peer)) : undefined;
  results.push({ services, step, ours: mine, peer: theirs, ratio: theirs && mine / theirs });
}

try {
  prepare();
  for (const size of sizes) {
    const folders = new Map(tools.map((tool) => [tool, project(tool, size)]));
    const times = new Map(tools.map((tool) => [tool, Object.fromEntries(steps.map((step) => [step, []]))]));
    for (let run = -1; run < runs; run++) {
      for (const tool of tools) {
        for (const step of steps) {
          const elapsed = time(tool, folders.get(tool), argsOf[step]);
          if (run >= 0) times.get(tool)[step].push(elapsed); // the first run warms up
          if (tool === ours && step === 'ps' && size === Math.max(...sizes) && run === runs - 1) {
            const text = execFileSync(ours.command[0], ['engine', 'status', '--format', 'json'], { env: ours.env });
            footprint = memory(JSON.parse(text.toString()));
          }
        }
      }
    }
    for (const step of steps) {
      record(size, step, (tool) => times.get(tool)[step]);
    }
  }
  const folders = new Map(tools.map((tool) => [tool, scaled(tool)]));
  const times = new Map(tools.map((tool) => [tool, []]));
  for (let run = -1; run < runs; run++) {
    for (const tool of tools) {
      const folder = folders.get(tool);
      time(tool, folder, ['up', '-d']);
      const elapsed = time(tool, folder, ['scale', 'worker=10']);
      if (run >= 0) times.get(tool).push(elapsed);
      time(tool, folder, ['down', '-t', '0']);
    }
  }
  record('1-10', 'scale', (tool) => times.get(tool));
} finally {
  spawnSync(ours.command[0], ['engine', 'stop', '--force'], { env: ours.env });
  for (const folder of [work, runtime]) rmSync(folder, { recursive: true, force: true });
}

const number = (value, digits) => (value === undefined ? '-' : value.toFixed(digits));
console.log(`median wall time of ${runs} runs, whole process, in ms\n`);
console.log('services  step       tscompose      peer   ratio');
for (const { services, step, ours: mine, peer: theirs, ratio } of results) {
  const cells = [
    String(services).padStart(8),
    step.padEnd(9),
    number(mine, 0).padStart(10),
    number(theirs, 0).padStart(9),
  ];
  console.log(`${cells.join('  ')}  ${number(ratio, 2).padStart(6)}`);
}
if (footprint) {
  console.log(`\nresident memory with ${Math.max(...sizes)} containers: engine ${number(footprint.engine, 1)} MiB,`);
  console.log(`a container's monitor ${number(footprint.monitor, 2)} MiB on average`);
}
if (options.json) writeFileSync(options.json, `${JSON.stringify({ runs, results, footprint }, null, 2)}\n`);
