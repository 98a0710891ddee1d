// Times single calls of the Engine API on our engine and, where DOCKER_HOST names one, on a dockerd, in turn.
//
//   node bench/latency.mjs [--runs 20] [--json FILE]
//
// Ours gets folders of its own. Both get the same busybox. A run is one container's life: each step is taken on one engine
// and then at once on the other, so that whatever else the machine does weighs on both; the order of the two alternates.
// BENCH_PEER_PIDS="dockerd's,containerd's" adds the processor time that these, and the children they waited for, have used.
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import {
  busyboxArchive,
  cleanUp,
  cli,
  engineStatus,
  median,
  ours,
  peer,
  printTable,
  run as runProgram,
} from './lab.mjs';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '20' }, json: { type: 'string' } },
});
const runs = Number(options.runs);
const image = 'tscompose-bench:latency';

/** One engine's API over one kept connection. */
function connect(name, socketPath, pids) {
  const agent = new Agent({ keepAlive: true });
  const send = (method, path, body, { upgrade = false } = {}) =>
    request({
      socketPath,
      agent: upgrade ? undefined : agent,
      method,
      path: `/v1.45${path}`,
      headers: {
        'Content-Type': Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json',
        'Content-Length':
          body === undefined ? 0 : Buffer.byteLength(Buffer.isBuffer(body) ? body : JSON.stringify(body)),
        ...(upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
      },
    }).end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));

  const call = (method, path, body) =>
    new Promise((resolve, reject) => {
      send(method, path, body)
        .on('error', reject)
        .on('response', (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece) => (text += piece));
          response.on('end', () => {
            if (response.statusCode >= 400) reject(new Error(`${name}: ${method} ${path}: ${text}`));
            else resolve(text.startsWith('{') ? JSON.parse(text.split('\n', 1)[0]) : text);
          });
        });
    });
  const hijack = (path, body) =>
    new Promise((resolve, reject) => {
      send('POST', path, body, { upgrade: true })
        .on('error', reject)
        .on('response', (response) => reject(new Error(`${name}: POST ${path}: ${response.statusCode}`)))
        .on('upgrade', (_response, socket) => resolve(socket));
    });
  return { name, pids, call, hijack };
}

const drained = (socket) =>
  new Promise((resolve, reject) => void socket.on('end', resolve).on('error', reject).resume());

/** What is timed, in the order of a container's life; `life` carries its id from one step to the next. */
const steps = {
  create: async ({ call }, life) => {
    const config = { Image: image, Cmd: ['cat'], OpenStdin: true, StopSignal: 'SIGKILL', HostConfig: { Init: false } };
    life.id = (await call('POST', '/containers/create', config)).Id;
  },
  // 204 means that it runs.
  'start to running': ({ call }, { id }) => call('POST', `/containers/${id}/start`),
  // To the first byte that has gone in and come out again.
  attach: async ({ hijack }, { id }) => {
    const socket = await hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
    const echoed = new Promise((resolve) => void socket.once('data', resolve));
    socket.write('x\n');
    await echoed;
    socket.destroy();
  },
  'exec true': async ({ call, hijack }, { id }) => {
    const { Id } = await call('POST', `/containers/${id}/exec`, { Cmd: ['true'], AttachStdout: true });
    await drained(await hijack(`/exec/${Id}/start`, {}));
    const { ExitCode } = await call('GET', `/exec/${Id}/json`);
    if (ExitCode !== 0) throw new Error(`exec true: exit code ${ExitCode}`);
  },
  stop: ({ call }, { id }) => call('POST', `/containers/${id}/stop`),
  'start again': ({ call }, { id }) => call('POST', `/containers/${id}/start`),
  'rm -f': ({ call }, { id }) => call('DELETE', `/containers/${id}?force=1`),
};

/** Seconds of processor time of processes and of the children they have waited for (proc_pid_stat(5)). */
function cpuSeconds(pids) {
  const ticks = pids.flatMap((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields.slice(11, 15).map(Number);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}

const results = [];
let engines = [];
try {
  runProgram([cli, 'engine', 'start'], ours);
  const { socket, pid } = engineStatus();
  engines = [connect('tscompose', socket, [pid])];
  if (peer?.host.startsWith('unix://')) {
    const pids = (process.env.BENCH_PEER_PIDS ?? '').split(',').filter((word) => word !== '');
    engines.push(connect('peer', peer.host.slice('unix://'.length), pids.map(Number)));
  }
  const archive = busyboxArchive();
  const path = 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin';
  for (const { call } of engines) {
    const query = new URLSearchParams({ fromSrc: '-', repo: image.split(':')[0], tag: 'latency', changes: path });
    await call('POST', `/images/create?${query}`, readFileSync(archive));
  }
  const times = new Map(engines.map(({ name }) => [name, Object.fromEntries(Object.keys(steps).map((s) => [s, []]))]));
  const before = new Map();
  for (let run = -2; run < runs; run += 1) {
    if (run === 0) for (const { name, pids } of engines) before.set(name, cpuSeconds(pids));
    const lives = new Map(engines.map(({ name }) => [name, {}]));
    const order = run % 2 === 0 ? engines : [...engines].reverse();
    for (const [step, perform] of Object.entries(steps)) {
      for (const engine of order) {
        const begin = process.hrtime.bigint();
        await perform(engine, lives.get(engine.name));
        const elapsedMs = Number(process.hrtime.bigint() - begin) / 1e6;
        if (run >= 0) times.get(engine.name)[step].push(elapsedMs); // the first two runs warm up
      }
    }
  }
  for (const step of Object.keys(steps)) {
    const [mine, theirs] = engines.map(({ name }) => median(times.get(name)[step]));
    results.push({ step, ours: mine, peer: theirs, ratio: theirs && mine / theirs });
  }
  for (const { name, pids } of engines) {
    if (pids.length === 0) continue;
    const usedMs = ((cpuSeconds(pids) - before.get(name)) * 1_000) / runs;
    console.log(`processor time a run, ${name}: ${usedMs.toFixed(0)} ms`);
  }
} finally {
  for (const { name, call } of engines)
    if (name === 'peer') await call('DELETE', `/images/${image}?force=1`).catch(String);
  cleanUp();
}

console.log(`median of ${runs} runs, API calls, in ms\n`);
printTable(results, [['step', 16, ({ step }) => step]], 1);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ runs, results }, null, 2)}\n`);
process.exit(0); // kept connections
