// Times how long a saved file takes to be in the container that `watch` keeps in step, in turn with a peer.
//
//   npm run bench:watch -- [--saves 50] [--files 10000] [--json FILE]
//
// Single saves one after the other (median and 95th percentile); then a tree that is copied into the watched folder, the
// same files each replaced as a checkout does it, and the tree removed, until the container has it all. Looks through
// /proc/PID/root, so no start of a command is measured; needs root. Ours runs on an embedded engine with folders of its
// own. The peer is `docker compose` on the engine that DOCKER_HOST names (BENCH_PEER="command words" for another one);
// without DOCKER_HOST only ours is measured.
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cleanUp, engineStatus, ensureBusybox, ours, tools, work } from './lab.mjs';

const { values: options } = parseArgs({
  options: {
    saves: { type: 'string', default: '50' },
    files: { type: 'string', default: '10000' },
    json: { type: 'string' },
  },
});
const saves = Number(options.saves);
const files = Number(options.files);
const perFolder = 100;
const longestMs = 120_000;

const run = ({ command: [program, ...first], env }, cwd, args) => spawnSync(program, [...first, ...args], { cwd, env });

/** A built image, since compose watches only services that are built. */
function project(tool) {
  const folder = join(work, tool.name);
  mkdirSync(join(folder, 'src'), { recursive: true });
  const service = `    build: .
    command: [sleep, infinity]
    init: false
    stop_grace_period: 0s
    environment: [BENCH_WATCH=${work}/${tool.name}]
    develop: { watch: [{ action: sync, path: ./src, target: /app }] }`;
  writeFileSync(join(folder, 'compose.yaml'), `name: benchwatch\nservices:\n  web:\n${service}\n`);
  writeFileSync(join(folder, 'Dockerfile'), 'FROM busybox\nRUN mkdir /app\n');
  return folder;
}

function processOf(tool) {
  const mark = `BENCH_WATCH=${work}/${tool.name}\0`;
  const found = readdirSync('/proc').find((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark);
    } catch {
      return false; // ended meanwhile
    }
  });
  if (found === undefined) throw new Error(`${tool.name}: the container does not run`);
  return found;
}

async function until(what, done) {
  const begin = performance.now();
  while (!done()) {
    if (performance.now() - begin > longestMs) throw new Error(`${what}: not within ${longestMs} ms`);
    await delay(1);
  }
  return performance.now() - begin;
}

/** Undefined also while it is being replaced. */
function text(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function makeTree(folder) {
  for (let index = 0; index < files; index++) {
    const below = join(folder, String(Math.floor(index / perFolder)));
    if (index % perFolder === 0) mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `file-${index}`), `first ${index}\n`.repeat(20));
  }
}

/** As a checkout: the new content under another name first, then in the place of the old one. */
function replaceTree(folder) {
  for (let index = 0; index < files; index++) {
    const path = join(folder, String(Math.floor(index / perFolder)), `file-${index}`);
    writeFileSync(`${path}.lock`, `second ${index}\n`.repeat(20));
    renameSync(`${path}.lock`, path);
  }
}

/** Whether all files are there in this version. What has been seen once is not looked at again. */
function whole(folder, version) {
  let next = 0;
  return () => {
    for (; next < files; next++) {
      const path = join(folder, String(Math.floor(next / perFolder)), `file-${next}`);
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size !== `${version} ${next}\n`.length * 20) return false;
    }
    return true;
  };
}

/** The most that was resident, in MiB. */
const peakOf = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

async function measure(tool, tree) {
  const folder = project(tool);
  const src = join(folder, 'src');
  const up = run(tool, folder, ['up', '-d', '--build']);
  if (up.status !== 0) throw new Error(`${tool.name} up: ${up.stderr}`);
  const [program, ...first] = tool.command;
  const watch = spawn(program, [...first, 'watch', '--no-up'], {
    cwd: folder,
    env: { ...tool.env, XDG_RUNTIME_DIR: work },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [watch.stdout, watch.stderr]) stream.on('data', (piece) => (said += piece));
  try {
    await until(`${tool.name} watches: ${said}`, () => /watch enabled|watching/i.test(said));
    await delay(1_000);
    const app = `/proc/${processOf(tool)}/root/app`;
    const times = [];
    for (let save = 0; save < saves; save++) {
      writeFileSync(join(src, 'saved'), `${save}\n`);
      times.push(await until(`save ${save}`, () => text(join(app, 'saved')) === `${save}\n`));
      await delay(150);
    }
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
    const timed = async (what, act, done) => {
      const begin = performance.now();
      act();
      const acted = performance.now();
      await until(`${tool.name}: ${what}`, done);
      await delay(1_000);
      return { own: acted - begin, all: performance.now() - begin - 1_000 };
    };
    const inside = join(app, 'tree');
    const copied = await timed(
      'copy',
      () => cpSync(tree, join(src, 'tree'), { recursive: true }),
      whole(inside, 'first'),
    );
    const replaced = await timed('replace', () => replaceTree(join(src, 'tree')), whole(inside, 'second'));
    const removed = await timed(
      'remove',
      () => rmSync(join(src, 'tree'), { recursive: true }),
      () => !existsSync(inside),
    );
    return {
      ...{ tool: tool.name, median: at(0.5), p95: at(0.95), copied, replaced, removed },
      cliMiB: peakOf(watch.pid),
      engineMiB: tool === ours ? peakOf(engineStatus().pid) : undefined,
    };
  } finally {
    watch.kill('SIGINT');
    await new Promise((resolve) => (watch.exitCode === null ? watch.once('exit', resolve) : resolve()));
    run(tool, folder, ['down', '-t', '0', '--rmi', 'local']);
  }
}

const results = [];
try {
  ensureBusybox();
  const tree = join(work, 'tree');
  makeTree(tree);
  for (const tool of tools) {
    try {
      results.push(await measure(tool, tree));
    } catch (error) {
      if (tool === ours) throw error;
      console.error(`the peer was not measured: ${error.message}`);
    }
  }
} finally {
  cleanUp();
}

console.log(`${saves} single saves, then ${files} files at once: ms until the container has them\n`);
for (const { tool, median, p95, copied, replaced, removed, cliMiB, engineMiB } of results) {
  const both = ({ own, all }) => `${all.toFixed(0)} (${own.toFixed(0)} of them to write here)`;
  console.log(`${tool}\n  one save        median ${median.toFixed(0)}, 95th percentile ${p95.toFixed(0)}`);
  console.log(`  tree copied     ${both(copied)}\n  tree replaced   ${both(replaced)}`);
  console.log(`  tree removed    ${both(removed)}`);
  const engine = engineMiB === undefined ? '' : `, engine ${engineMiB.toFixed(0)} MiB`;
  console.log(`  most resident   watch ${cliMiB.toFixed(0)} MiB${engine}`);
}
if (options.json) writeFileSync(options.json, `${JSON.stringify({ saves, files, results }, null, 2)}\n`);
