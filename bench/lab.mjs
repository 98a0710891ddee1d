// What the benchmarks share: our engine with folders of its own, the peer, a base image on both, and medians.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const cli = join(root, 'dist/tscompose.cjs');

/** An engine that DOCKER_HOST names, with `docker compose` or the command of BENCH_PEER; undefined: only ours is measured. */
const peerHost = process.env.DOCKER_HOST;
export const peer = peerHost && {
  name: 'peer',
  command: (process.env.BENCH_PEER ?? 'docker compose').split(' '),
  host: peerHost,
  env: process.env,
};

const withoutHost = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'DOCKER_HOST'));
/** Files of this run. */
export const work = mkdtempSync(join(tmpdir(), 'tscompose-bench-'));
/** In memory, as the runtime folder is by default. */
const runtime = mkdtempSync('/run/tscompose-bench-');
export const ours = {
  name: 'tscompose',
  command: [cli],
  host: `unix://${runtime}/engine.sock`,
  runtime,
  env: { ...withoutHost, TSCOMPOSE_DATA_ROOT: join(work, 'data'), TSCOMPOSE_RUNTIME_DIR: runtime },
};
export const tools = peer ? [ours, peer] : [ours];

/** The distribution's busybox as an archive that `docker import` takes. */
export function busyboxArchive() {
  const archive = join(work, 'busybox.tar');
  execFileSync('sh', [join(root, 'scripts/busybox-rootfs.sh'), archive]);
  return archive;
}

/** Gives both engines an image `busybox`. */
export function ensureBusybox() {
  execFileSync(process.execPath, [join(root, 'scripts/ensure-busybox.mjs')], { env: ours.env, stdio: 'inherit' });
  if (!peer || spawnSync('docker', ['image', 'inspect', 'busybox'], { env: peer.env }).status === 0) return;
  execFileSync('docker', ['import', '-c', 'CMD ["sh"]', busyboxArchive(), 'busybox'], {
    env: peer.env,
    stdio: 'ignore',
  });
}

/** Of our engine: `{ pid, socket, … }`. */
export function engineStatus() {
  return JSON.parse(execFileSync(cli, ['engine', 'status', '--format', 'json'], { env: ours.env }).toString());
}

export function run([program, ...args], { env, cwd = work }) {
  const result = spawnSync(program, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (result.status === 0) return result.stdout;
  throw new Error(
    `${program} ${args.join(' ')} in ${cwd}: exit ${result.status}\n${result.stderr}${result.error ?? ''}`,
  );
}

/** Wall milliseconds of one whole process. */
export function time(command, where) {
  const begin = process.hrtime.bigint();
  run(command, where);
  return Number(process.hrtime.bigint() - begin) / 1e6;
}

/** Ends our engine and removes all files of this run. */
export function cleanUp() {
  spawnSync(cli, ['engine', 'stop', '--force'], { env: ours.env });
  for (const folder of [work, ours.runtime]) rmSync(folder, { recursive: true, force: true });
}

export const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** A table of `{ …, ours, peer, ratio }`. @param labels - of the columns in front: `[heading, width, cell]` */
export function printTable(results, labels, digits = 0) {
  const number = (value, places) => (value === undefined ? '-' : value.toFixed(places));
  const row = (cells, [mine, theirs, ratio]) =>
    [...cells, mine.padStart(9), theirs.padStart(8), ratio.padStart(6)].join('  ');
  console.log(
    row(
      labels.map(([heading, width]) => heading.padEnd(width)),
      ['tscompose', 'peer', 'ratio'],
    ),
  );
  for (const result of results) {
    const cells = labels.map(([, width, cell]) => String(cell(result)).padEnd(width));
    const ratio = result.peer && result.ours / result.peer;
    console.log(row(cells, [number(result.ours, digits), number(result.peer, digits), number(ratio, 2)]));
  }
}
