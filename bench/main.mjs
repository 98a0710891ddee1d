// Times commands over N services, and scaling one from 1 to 10, whole processes, in turn with a peer.
//
//   npm run bench -- [--sizes 1,10,30,100] [--runs 5] [--json FILE]
//
// Ours runs on an embedded engine with folders of its own. The peer is `docker compose` on the engine that DOCKER_HOST
// names (BENCH_PEER="command words" for another one); without DOCKER_HOST only ours is measured.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cleanUp, engineStatus, ensureBusybox, median, ours, printTable, time as timeOf, tools, work } from './lab.mjs';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1,10,30,100' },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
const sizes = options.sizes.split(',').map(Number);
const runs = Number(options.runs);

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
      ...(index % 3 === 0 ? [`    ports: ["${(tool === ours ? 21_000 : 23_000) + index}:80"]`] : []),
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

const time = (tool, folder, args) => timeOf([...tool.command, ...args], { env: tool.env, cwd: folder });

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
        return words.split('\0')[0].endsWith('conmon') && words.includes(ours.runtime);
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
  const [mine, theirs] = tools.map((tool) => median(timesOf(tool)));
  results.push({ services, step, ours: mine, peer: theirs, ratio: theirs && mine / theirs });
}

try {
  ensureBusybox();
  for (const size of sizes) {
    const folders = new Map(tools.map((tool) => [tool, project(tool, size)]));
    const times = new Map(tools.map((tool) => [tool, Object.fromEntries(steps.map((step) => [step, []]))]));
    for (let run = -1; run < runs; run++) {
      for (const tool of tools) {
        for (const step of steps) {
          const elapsed = time(tool, folders.get(tool), argsOf[step]);
          if (run >= 0) times.get(tool)[step].push(elapsed); // the first run warms up
          if (tool === ours && step === 'ps' && size === Math.max(...sizes) && run === runs - 1) {
            footprint = memory(engineStatus());
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
  cleanUp();
}

console.log(`median wall time of ${runs} runs, whole process, in ms\n`);
printTable(results, [
  ['services', 8, ({ services }) => services],
  ['step', 9, ({ step }) => step],
]);
if (footprint) {
  console.log(`\nresident memory with ${Math.max(...sizes)} containers: engine ${footprint.engine.toFixed(1)} MiB,`);
  console.log(`a container's monitor ${footprint.monitor.toFixed(2)} MiB on average`);
}
if (options.json) writeFileSync(options.json, `${JSON.stringify({ runs, results, footprint }, null, 2)}\n`);
