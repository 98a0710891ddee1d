import { rmSync, writeFileSync } from 'node:fs';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { TscomposeError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { hasApparmor, prepareCgroups } from '../oci/index.js';
import { createEngineServer, type EngineFacts } from '../server/index.js';
import { readEngineUuid } from './engine-id.js';
import { takeFolder } from './folders.js';
import { watchIdle } from './idle.js';
import { listenOnSocket } from './listen.js';
import type { Readiness } from './readiness.js';
import { openRooms } from './rooms.js';
import type { EngineSettings } from './settings.js';
import { engineVersion } from './version.js';

export interface RunOptions {
  readonly settings: EngineSettings;
  readonly log: Log;
  readonly readiness: Readiness;
  /** Aborted by signals, by `POST /tscompose/shutdown` and by idleness. */
  readonly stop: AbortController;
}

/** Requests that change something get so long to finish when the engine is told to end. */
const changeGraceMs = 10_000;

/**
 * Runs one engine from its folders' locks to the last undo. Containers go on without it: their monitors are processes
 * of their own, and the next engine takes them up again.
 * @throws `engine/locked`, `engine/data-locked`, `engine/bad-folder`, `engine/not-root`, and what the rooms throw when they cannot open
 */
export async function runEngine({ settings, log, readiness, stop }: RunOptions): Promise<void> {
  const startedAt = new Date();
  const { dataRoot, runtimeDir, socket, pidFile, idleTimeoutMs } = settings;
  requireRoot();
  await using undo = new CleanupStack();
  undo.defer(takeFolder(runtimeDir, 'engine/locked'));
  undo.defer(takeFolder(dataRoot, 'engine/data-locked'));
  writeFileSync(pidFile, `${process.pid}\n`);
  undo.defer(() => rmSync(pidFile, { force: true }));

  const cgroup = prepareCgroups();
  const rooms = await openRooms({ settings, log, signal: stop.signal });
  undo.defer(() => rooms.close());
  const facts: EngineFacts = {
    id: await readEngineUuid(dataRoot),
    version: engineVersion,
    dataRoot,
    runtimeDir,
    socket,
    startedAt,
    runtime: rooms.runtime,
    storageDriver: rooms.storageDriver,
    cgroup,
    apparmor: hasApparmor(),
    idleTimeoutMs: () => idle.timeoutMs(),
    stay: () => idle.stop(),
    shutdown: () => stop.abort(new Error('the engine was told to end')),
  };
  const server = createEngineServer({ rooms: rooms.served, facts, onQuiet: () => idle.touch() });
  const idle = watchIdle({
    timeoutMs: idleTimeoutMs,
    isBusy: () => server.inFlight() > 0 || rooms.served.containers.running() > 0,
    onIdle: () => {
      log.info('engine ends: nothing runs and nobody asks', { idleTimeoutMs });
      stop.abort(new Error('the engine is idle'));
    },
  });
  undo.defer(() => idle.stop());
  stop.signal.throwIfAborted();
  const removeSocket = await listenOnSocket(server.http, socket);
  undo.defer(() => server.close(changeGraceMs));
  undo.defer(removeSocket); // first of all: who looks for an engine now starts the next one
  log.info('engine serves', { pid: process.pid, socket, dataRoot, cgroup, startMs: Date.now() - startedAt.getTime() });
  readiness.ready({ socket });

  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    else stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function requireRoot(): void {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return;
  throw new TscomposeError({
    code: 'engine/not-root',
    message: 'the engine needs root, and this is not root',
    facts: { uid },
    hint: 'start it with sudo',
  });
}
