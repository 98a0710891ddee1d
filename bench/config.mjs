// Times `config` of 500 services in 5 files, whole processes, in turn with a peer: wall time and peak memory.
//
//   npm run bench:config -- [--runs 5] [--services 500]
//
// The peer is `docker compose` (BENCH_PEER="command words" for another one); without one only ours is measured.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { parseArgs } from 'node:util';
import { cleanUp, cli, median, work as folder } from './lab.mjs';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, services: { type: 'string', default: '500' } },
});
const runs = Number(options.runs);
const perFile = Number(options.services) / 5;
const files = Array.from({ length: 5 }, (_, index) => `part-${index}.yaml`);

function service(index) {
  const first = index % perFile === 0;
  return `  service-${index}:
    image: registry.example.com/team/service-${index}:\${TAG:-1.${index}}
    command: ["serve", "--port", "80${index % 10}", "--verbose"]
    environment: {LOG_LEVEL: info, DATABASE_URL: "postgres://user:\${DB_PASSWORD:-secret}@db-${index}:5432/app"}
    labels: ["com.example.team=platform", "com.example.index=${index}"]
    ports: ["${20_000 + index}:80"]
    volumes: ["data-${index}:/var/lib/data", "./conf/${index}.yaml:/etc/app/conf.yaml:ro"]
    networks: [front, back]
    healthcheck: {test: ["CMD", "true"], interval: 30s, retries: 3}
    deploy: {resources: {limits: {cpus: "0.50", memory: 256M}}}
${first ? '' : `    depends_on: {service-${index - 1}: {condition: service_started}}\n`}`;
}

for (const [part, file] of files.entries()) {
  const own = Array.from({ length: perFile }, (_, index) => part * perFile + index);
  const earlier = part === 0 ? [] : own.map((index) => index - perFile);
  const overrides = earlier.map((index) => `  service-${index}:\n    environment: {LOG_LEVEL: debug}\n`);
  const volumes = own.map((index) => `  data-${index}:\n`);
  const services = [...own.map(service), ...overrides].join('');
  const text = `services:\n${services}volumes:\n${volumes.join('')}networks:\n  front:\n  back:\n`;
  writeFileSync(join(folder, file), part === 0 ? `name: bench\n${text}` : text);
}

/** Peak resident MiB of a process or one it started (`docker` starts its plugin), looked at while they live. */
function peakOf(pid) {
  try {
    const own = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    const started = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return Math.max(own, ...started.map(peakOf));
  } catch {
    return 0; // gone
  }
}

function measure([program, ...first]) {
  const args = [...first, ...files.flatMap((file) => ['-f', file]), 'config'];
  const begin = process.hrtime.bigint();
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 5);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(timer);
      if (code !== 0) reject(new Error(`${program}: exit ${code}`));
      else resolve({ ms: Number(process.hrtime.bigint() - begin) / 1e6, peak });
    });
  });
}

const peer = (process.env.BENCH_PEER ?? 'docker compose').split(' ');
const tools = [{ name: 'tscompose', command: [cli] }];
try {
  execFileSync(peer[0], [...peer.slice(1), 'version'], { stdio: 'ignore' });
  tools.push({ name: 'peer', command: peer });
} catch {
  console.error('no peer: docker compose does not run');
}

try {
  const results = new Map(tools.map(({ name }) => [name, []]));
  for (let run = -1; run < runs; run++) {
    for (const { name, command } of tools) {
      const result = await measure(command);
      if (run >= 0) results.get(name).push(result);
    }
  }
  for (const [name, list] of results) {
    const ms = median(list.map((one) => one.ms));
    const peak = median(list.map((one) => one.peak));
    console.log(`${name.padEnd(10)} ${ms.toFixed(0).padStart(6)} ms  ${peak.toFixed(0).padStart(5)} MiB`);
  }
} finally {
  cleanUp();
}
