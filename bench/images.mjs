// Times builds, `load` and `pull`, whole processes, in turn with a peer: median of each, and the ratio.
//
//   npm run bench:images -- [--runs 5] [--only cached,changed,cold,load,pull] [--json FILE]
//
// Ours runs on an embedded engine with folders of its own. The peer is the engine that DOCKER_HOST names: its BuildKit,
// asked by `docker compose build`, or by `docker build` with BENCH_BUILDER=buildx where docker has that plugin. Both
// engines load and pull at the request of the same docker program; without DOCKER_HOST only ours is measured. The
// registry is the distribution's docker-registry (BENCH_REGISTRY names the program); without one, pulling is left out.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFiles, writeLayerArchive } from './image-files.mjs';
import * as lab from './lab.mjs';

const { busyboxArchive, cleanUp, cli, median, printTable, run, time, work } = lab;

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    only: { type: 'string', default: 'cached,changed,cold,load,pull' },
    json: { type: 'string' },
  },
});
const runs = Number(options.runs);
const only = options.only.split(',');
const name = `tscompose-bench-${process.pid}`;
const builder = process.env.BENCH_BUILDER ?? 'compose';
const registryProgram = process.env.BENCH_REGISTRY ?? '/usr/bin/docker-registry';

const ours = { ...lab.ours, build: [cli, 'build', '-q'], docker: ['docker', '-H', lab.ours.host] };
const peerBuild =
  builder === 'buildx' ? ['docker', 'build', '-q', '-t', `${name}-app`, '.'] : ['docker', 'compose', 'build', '-q'];
const peer = lab.peer && {
  ...lab.peer,
  build: peerBuild,
  docker: ['docker'],
  env: { ...lab.peer.env, DOCKER_BUILDKIT: '1' },
};
const tools = peer ? [ours, peer] : [ours];

const dockerfile = [
  `FROM ${name}-base`,
  'WORKDIR /app',
  'COPY package.json ./',
  'RUN wc -c package.json > /installed',
  'COPY . .',
  'RUN find . -type f | wc -l > /count',
  'CMD ["cat", "/count"]',
  '',
].join('\n');

/** A context of 2,000 files in 100 directories, 8 MB; contents depend on `seed`. */
function project(folder, seed) {
  writeFiles(folder, { count: 2_000, seed });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'app', seed }));
  writeFileSync(join(folder, 'Dockerfile'), dockerfile);
  writeFileSync(join(folder, '.dockerignore'), 'compose.yaml\n');
  writeFileSync(
    join(folder, 'compose.yaml'),
    `name: ${name}\nservices:\n  app:\n    build: .\n    image: ${name}-app\n    network_mode: none\n`,
  );
  return folder;
}

const warm = new Map();
function warmProject(tool) {
  if (!warm.has(tool)) {
    const folder = project(join(work, `warm-${tool.name}`), 'warm');
    run(tool.build, { env: tool.env, cwd: folder });
    warm.set(tool, folder);
  }
  return warm.get(tool);
}

let round = 0;
/** ext4 avoids the inodes of files just removed at some cost: what was loaded or built from stays until the end. */
const loaded = () => Array.from({ length: runs + 1 }, (_, at) => `${name}-layer:${round - at}`);
const steps = {
  cached: {
    title: 'cached build',
    measure: (tool) => time(tool.build, { env: tool.env, cwd: warmProject(tool) }),
  },
  changed: {
    title: 'one changed file',
    measure: (tool) => {
      const folder = warmProject(tool);
      writeFileSync(join(folder, 'd07', 'f7.txt'), `changed ${round}\n`);
      return time(tool.build, { env: tool.env, cwd: folder });
    },
  },
  cold: {
    title: 'cold, 2,000 files',
    measure: (tool) => {
      const folder = project(join(work, `cold-${tool.name}-${round}`), `cold ${round}`);
      return time(tool.build, { env: tool.env, cwd: folder });
    },
  },
  load: {
    title: 'load of 300 MB',
    before: () =>
      writeLayerArchive(join(work, 'layer.tar'), { name: `${name}-layer:${round}`, megabytes: 300, seed: `${round}` }),
    measure: (tool) => time([...tool.docker, 'load', '-q', '-i', join(work, 'layer.tar')], tool),
    after: (tool) => run([...tool.docker, 'rmi', '-f', ...loaded()], tool),
  },
  pull: {
    title: 'pull of 100 MB',
    prepare: async () => {
      const host = await startRegistry();
      const archive = join(work, 'pull.tar');
      await writeLayerArchive(archive, { name: `${host}/${name}-pull`, megabytes: 100, layers: 4 });
      run([...ours.docker, 'load', '-i', archive], ours);
      run([...ours.docker, 'push', '-q', `${host}/${name}-pull`], ours);
      run([...ours.docker, 'rmi', '-f', `${host}/${name}-pull`], ours);
      steps.pull.image = `${host}/${name}-pull`;
    },
    measure: (tool) => {
      const elapsed = time([...tool.docker, 'pull', '-q', steps.pull.image], tool);
      run([...tool.docker, 'rmi', '-f', steps.pull.image], tool);
      return elapsed;
    },
  },
};

let registry;
async function startRegistry() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const config = join(work, 'registry.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: ${work}/registry}}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  registry = spawn(registryProgram, ['serve', config], { stdio: 'ignore' });
  const host = `127.0.0.1:${port}`;
  for (const end = Date.now() + 10_000; ; await sleep(50)) {
    const answered = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answered?.ok) return host;
    if (Date.now() > end) throw new Error(`${registryProgram} does not answer`);
  }
}

function prepareBase() {
  const archive = busyboxArchive();
  run([cli, 'engine', 'start'], ours);
  for (const tool of tools) run([...tool.docker, 'import', '-c', 'CMD ["sh"]', archive, `${name}-base`], tool);
}

const results = [];
const before = loadavg()[0];
try {
  prepareBase();
  for (const key of only) {
    const step = steps[key];
    if (key === 'pull' && spawnSync(registryProgram, ['--version']).status !== 0) continue;
    await step.prepare?.();
    const times = new Map(tools.map((tool) => [tool, []]));
    for (let count = -1; count < runs; count++) {
      round++;
      await step.before?.();
      if (step.before) run(['sync', '-f', work], ours);
      for (const tool of count % 2 === 0 ? tools : (tools.toReversed?.() ?? [...tools].reverse())) {
        const elapsed = step.measure(tool);
        if (count >= 0) times.get(tool).push(elapsed); // the first run warms up
      }
    }
    for (const tool of tools) step.after?.(tool);
    const [mine, theirs] = tools.map((tool) => median(times.get(tool)));
    results.push({ step: step.title, ours: mine, peer: theirs, ratio: theirs && mine / theirs });
    console.error(
      `${step.title}: ${[...times].map(([tool, list]) => `${tool.name} ${list.map(Math.round).join(' ')}`).join('; ')}`,
    );
  }
} finally {
  registry?.kill();
  for (const tool of tools) {
    spawnSync(tool.docker[0], [...tool.docker.slice(1), 'rmi', '-f', `${name}-app`, `${name}-base`], { env: tool.env });
  }
  cleanUp();
}

const peerText = peer
  ? `; the peer builds with BuildKit through docker ${builder === 'buildx' ? 'build' : 'compose build'}`
  : '';
console.log(`median wall time of ${runs} runs in turn, whole process, in ms${peerText}`);
console.log(`${cpus().length} cores; load ${before.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after\n`);
printTable(results, [['step', 18, ({ step }) => step]]);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ runs, builder, results }, null, 2)}\n`);
