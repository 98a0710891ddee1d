import { mkdir, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { readIfPresent } from '../../base/durable-file.js';
import type { HostConfig } from '../../api/container.js';
import { type ExitStatus, isMountPoint, mount, unmount } from '../sys/index.js';
import { requireProfile } from './apparmor.js';
import { ensureFolderBeneath } from './beneath.js';
import { composeSpec } from './bundle.js';
import { type DeviceWish, findWishedDevices } from './cdi.js';
import { openCgroup } from './cgroups.js';
import { newStepId } from './container-id.js';
import { createFailure } from './create-failure.js';
import type { OciEnvironment, StepNetwork } from './environment.js';
import { ensureInitLayer } from './init-layer.js';
import { spawnPiped } from './pipe.js';
import { availableCapabilities } from './probe.js';
import { renderSpec } from './render.js';
import { deleteContainer, programOf, globalArguments, lastLine } from './runtime.js';
import type { OciMount } from './spec.js';
import { readAccountFiles, resolveUser } from './users.js';

export interface StepRequest {
  /** Folders of the layers below, top first, and those that take the changes. */
  readonly rootfs: { readonly lower: readonly string[]; readonly upper: string; readonly work: string };
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Made when it is not there. */
  readonly cwd: string;
  /** `user[:group]`, empty for root. */
  readonly user: string;
  readonly mounts?: readonly OciMount[];
  readonly networkMode: 'bridge' | 'none' | 'host';
  /** Limits, capabilities and security options. */
  readonly hostConfig?: HostConfig;
  readonly devices?: readonly DeviceWish[];
  /** `host:ip`, for /etc/hosts. */
  readonly extraHosts?: readonly string[];
  /** In the order of arrival; must not throw. */
  readonly onOutput: (chunk: Buffer, stream: 1 | 2) => void;
  readonly signal: AbortSignal;
}

/** BuildKit's. The same every time, for programs write it into files, and the same build shall give the same image. */
const stepHostname = 'buildkitsandbox';

/**
 * Runs one command to its end over an overlay of the given folders, as our child: a build has nobody to outlive us.
 * The mount points it needs do not show up in `upper`.
 * @throws `oci/create-failed` when the command cannot be started, `oci/unknown-user`; the abort reason
 */
export async function runStep(oci: OciEnvironment, request: StepRequest): Promise<{ readonly exitCode: number }> {
  request.signal.throwIfAborted();
  await using undo = new CleanupStack();
  const id = newStepId();
  const dir = join(oci.runtimeDir, id);
  const merged = join(dir, 'm');
  await mkdir(merged, { recursive: true, mode: 0o700 });
  undo.defer(async () => {
    if (!isMountPoint(merged)) await rm(dir, { recursive: true, force: true });
  });

  const network = await joinNetwork(oci, id, request);
  if (network !== undefined) undo.defer(() => network.release());

  const mounts = [...(await networkFiles(dir, request, network)), ...(request.mounts ?? [])];
  const initLayer = await ensureInitLayer({
    dir,
    lower: request.rootfs.lower,
    folders: mounts.filter(({ type }) => type !== 'bind').map(({ destination }) => destination),
    layers: oci.layers,
  });
  const overlay = { ...request.rootfs, lower: [initLayer, ...request.rootfs.lower], volatile: true };
  mount({ source: 'overlay', target: merged, fstype: 'overlay', data: await oci.layers.overlayData(overlay) });
  undo.defer(() => {
    unmount(merged, { detach: true });
  });
  ensureFolderBeneath(merged, request.cwd);

  const cgroup = openCgroup(`${oci.cgroupParent}/${id}`);
  undo.defer(() => cgroup.remove());
  const user = resolveUser(readAccountFiles(merged), request.user, request.hostConfig?.GroupAdd ?? []);
  const spec = composeSpec({
    rootfs: merged,
    args: request.args,
    env: request.env,
    cwd: request.cwd,
    tty: false,
    user,
    hostname: stepHostname,
    domainname: '',
    namespaces: {
      network:
        network === undefined ? (request.networkMode === 'host' ? 'host' : 'private') : { path: network.namespacePath },
      ipc: 'private',
      pid: 'private',
      uts: 'private',
      cgroup: 'private',
    },
    mounts,
    hostConfig: request.hostConfig ?? {},
    devices: await findWishedDevices(request.devices ?? []),
    cgroupsPath: cgroup.path,
    availableCapabilities: availableCapabilities(),
  });
  await requireProfile(oci.runtime, spec.process.apparmorProfile);
  await writeFile(join(dir, 'config.json'), renderSpec(await oci.seccomp.apply(spec)), { mode: 0o600 });
  undo.defer(() => deleteContainer(oci.runtime, id));
  return { exitCode: await runForeground(oci, id, dir, request) };
}

async function joinNetwork(
  oci: OciEnvironment,
  id: string,
  { networkMode, extraHosts = [], signal }: StepRequest,
): Promise<StepNetwork | undefined> {
  if (networkMode !== 'bridge') return undefined;
  if (oci.joinBridge === undefined) throw new Error('bug: a build step asks for a network and nobody gives one');
  return oci.joinBridge({ id, extraHosts }, signal);
}

/** resolv.conf and hosts, bound over what the image has, without a network too: what is tested there asks for localhost. */
async function networkFiles(dir: string, request: StepRequest, network: StepNetwork | undefined): Promise<OciMount[]> {
  const resolvConf = network?.resolvConf ?? (await readIfPresent('/etc/resolv.conf')) ?? '';
  const extra = (request.extraHosts ?? []).map((text) => {
    const at = text.search(/[:=]/);
    return `${text.slice(at + 1)}\t${text.slice(0, at)}`;
  });
  const own = [`127.0.0.1\tlocalhost ${stepHostname}`, '::1\tlocalhost ip6-localhost ip6-loopback'];
  const hosts = [...own, ...(network?.hostsLines ?? extra)];
  await writeFile(join(dir, 'resolv.conf'), resolvConf, { mode: 0o644 });
  await writeFile(join(dir, 'hosts'), `${hosts.join('\n')}\n`, { mode: 0o644 });
  return ['resolv.conf', 'hosts'].map((name) => ({
    destination: `/etc/${name}`,
    type: 'bind',
    source: join(dir, name),
    options: ['bind', 'ro', 'private'],
  }));
}

async function runForeground(oci: OciEnvironment, id: string, dir: string, request: StepRequest): Promise<number> {
  const log = join(dir, 'runtime.log');
  const args = ['--log', log, 'run', '--bundle', dir, '--pid-file', join(dir, 'pid'), id];
  request.signal.throwIfAborted(); // from here to the listener below nothing waits
  const { exited, streams } = spawnPiped(
    {
      ...programOf(oci.runtime),
      args: [...globalArguments(oci.runtime), ...args],
      cwd: dir,
    },
    dir,
    { 1: 'read', 2: 'read' },
  );
  const outputs = [streams[1], streams[2]];
  for (const [index, stream] of outputs.entries()) {
    stream.on('data', (chunk: Buffer) => {
      request.onOutput(chunk, index === 0 ? 1 : 2);
    });
  }
  const closed = outputs.map((stream) => new Promise((resolve) => stream.once('close', resolve)));
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped = stopStep(oci, id, exited);
  };
  request.signal.addEventListener('abort', stop, { once: true });
  try {
    const status = await exited;
    request.signal.throwIfAborted();
    const said = (await readIfPresent(log)) ?? '';
    if ((await readIfPresent(join(dir, 'pid'))) === undefined || (said.trim() !== '' && status.exitCode !== 0)) {
      throw createFailure(oci.runtime, lastLine(said), request.args[0] ?? '');
    }
    await Promise.all(closed); // nobody is left to hold the pipes: the process namespace ended with its first process
    return (
      status.exitCode ?? 128 + (status.signal === 'SIGKILL' ? constants.signals.SIGKILL : constants.signals.SIGTERM)
    );
  } finally {
    request.signal.removeEventListener('abort', stop);
    for (const stream of outputs) stream.destroy();
    await stopped; // a runtime that still deletes it would look like one that works for it
  }
}

/** Until it is gone: an abort may come while the runtime is still making the container. Never rejects. */
async function stopStep(oci: OciEnvironment, id: string, exited: Promise<ExitStatus>): Promise<void> {
  const over = exited.then(() => true);
  for (let round = 0; round < 100; round += 1) {
    try {
      openCgroup(`${oci.cgroupParent}/${id}`).kill();
      await deleteContainer(oci.runtime, id);
    } catch {
      // no descriptors left, say: the next round tries again
    }
    if (await Promise.race([over, setTimeout(50, false)])) return;
  }
}
