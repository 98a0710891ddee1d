import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceRequest } from '../../api/container.js';
import { messageOf, TscomposeError } from '../../base/errors.js';
import './errors.js';

/** What a device changes in a container (Container Device Interface 0.8, "containerEdits"), all of it optional. */
export interface DeviceEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly DeviceNode[];
  readonly mounts?: readonly { hostPath: string; containerPath: string; type?: string; options?: readonly string[] }[];
  readonly hooks?: readonly DeviceHook[];
  readonly additionalGids?: readonly number[];
}

export interface DeviceNode {
  /** In the container. */
  readonly path: string;
  readonly hostPath?: string;
  readonly fileMode?: number;
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface DeviceHook {
  readonly hookName: string;
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

interface DeviceSpec {
  /** `vendor.com/class` */
  readonly kind: string;
  readonly devices: readonly { readonly name: string | number; readonly containerEdits?: DeviceEdits }[];
  readonly containerEdits?: DeviceEdits;
}

/** Later folders win (CDI, "Specification files"). */
const folders = ['/etc/cdi', '/var/run/cdi'];

/** GPUs are asked for without a word about who makes them. */
const gpuKinds = ['nvidia.com/gpu', 'amd.com/gpu', 'intel.com/gpu'];

/**
 * What the devices that are asked for change in a container: those named as `vendor/class=device`, and GPUs by count or
 * id, each from the specifications on this host.
 * @throws `oci/invalid-option` when nothing here provides one
 */
export async function findDeviceEdits(requests: readonly DeviceRequest[], from = folders): Promise<DeviceEdits> {
  if (requests.length === 0) return {};
  const specs = await readSpecs(from);
  const names = requests.flatMap((request) => namesOf(request, specs));
  const missing = names.filter((name) => !specs.some((spec) => provides(spec, name)));
  if (missing.length > 0) {
    throw invalid(`CDI device injection failed: unresolvable CDI devices ${missing.join(', ')}`, missing.join(','));
  }
  // A specification's own edits count once, however many of its devices are used.
  const used = specs.filter((spec) => names.some((name) => provides(spec, name)));
  const devices = names.flatMap((name) =>
    specs
      .filter((spec) => provides(spec, name))
      .slice(-1)
      .flatMap(({ kind, devices: all }) => all.filter((one) => `${kind}=${one.name}` === name)),
  );
  return [...used, ...devices].map(({ containerEdits = {} }) => containerEdits).reduce(joined, {});
}

/** A device that a build step asks for: `vendor/class=device`, `vendor/class` for its first one, `vendor/class=*` for all. */
export interface DeviceWish {
  readonly name: string;
  /** Without it the step runs though the device is not there. */
  readonly required: boolean;
}

/** @throws `oci/invalid-option` when nothing here provides one that is required */
export async function findWishedDevices(wishes: readonly DeviceWish[], from = folders): Promise<DeviceEdits> {
  if (wishes.length === 0) return {};
  const known = (await readSpecs(from)).flatMap(({ kind, devices }) => devices.map(({ name }) => `${kind}=${name}`));
  const ids = wishes.flatMap(({ name, required }) => {
    const ofClass = known.filter((id) => id.startsWith(`${name.replace(/=\*$/, '')}=`));
    const found = name.endsWith('=*')
      ? ofClass
      : name.includes('=')
        ? known.filter((id) => id === name)
        : ofClass.slice(0, 1);
    return found.length === 0 && required ? [name] : found;
  });
  return await findDeviceEdits([{ Driver: 'cdi', DeviceIDs: [...new Set(ids)] }], from);
}

function provides({ kind, devices }: DeviceSpec, name: string): boolean {
  return devices.some((one) => `${kind}=${one.name}` === name);
}

function namesOf(request: DeviceRequest, specs: readonly DeviceSpec[]): string[] {
  const { Driver = '', DeviceIDs, Count = 0, Capabilities } = request;
  if (Driver === 'cdi') return [...(DeviceIDs ?? [])];
  const wantsGpu = (Capabilities ?? []).some((all) => all.includes('gpu'));
  const kinds = Driver === '' ? gpuKinds : gpuKinds.filter((kind) => kind.startsWith(`${Driver}.`));
  const kind = kinds.find((one) => specs.some((spec) => spec.kind === one));
  if (!wantsGpu || kind === undefined) {
    const wanted = (Capabilities ?? []).map((all) => `[${all.join(' ')}]`).join(' ');
    throw invalid(`could not select device driver "${Driver}" with capabilities: [${wanted}]`, Driver);
  }
  const ids = DeviceIDs ?? [];
  if (ids.length > 0) return ids.map((id) => `${kind}=${id}`);
  return Count < 0 ? [`${kind}=all`] : Array.from({ length: Count }, (_, index) => `${kind}=${index}`);
}

async function readSpecs(from: readonly string[]): Promise<DeviceSpec[]> {
  const paths = from.flatMap((folder) => filesOf(folder));
  if (paths.length === 0) return [];
  const { parse } = await import('yaml'); // which JSON is a part of
  return paths.flatMap((path) => {
    try {
      const spec: unknown = parse(readFileSync(path, 'utf8'));
      return isSpec(spec) ? [spec] : [];
    } catch (cause) {
      throw invalid(`cannot read the device specification ${path}: ${messageOf(cause)}`, path);
    }
  });
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(json|ya?ml)$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return []; // no devices of this kind here
  }
}

function isSpec(value: unknown): value is DeviceSpec {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    'devices' in value &&
    Array.isArray(value.devices)
  );
}

function joined(left: DeviceEdits, right: DeviceEdits): DeviceEdits {
  return {
    env: [...(left.env ?? []), ...(right.env ?? [])],
    deviceNodes: [...(left.deviceNodes ?? []), ...(right.deviceNodes ?? [])],
    mounts: [...(left.mounts ?? []), ...(right.mounts ?? [])],
    hooks: [...(left.hooks ?? []), ...(right.hooks ?? [])],
    additionalGids: [...(left.additionalGids ?? []), ...(right.additionalGids ?? [])],
  };
}

function invalid(message: string, value: string): TscomposeError<'oci/invalid-option'> {
  return new TscomposeError({ code: 'oci/invalid-option', message, facts: { option: 'device', value } });
}
