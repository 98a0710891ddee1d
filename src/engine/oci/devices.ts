import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { DeviceMapping } from '../../api/container.js';
import { TscomposeError, errnoOf } from '../../base/errors.js';
import { splitDevice } from '../sys/index.js';
import './errors.js';
import type { OciDevice, OciDeviceRule } from './spec.js';

export interface DeviceChoice {
  readonly devices: OciDevice[];
  readonly rules: OciDeviceRule[];
}

/** The runtime makes /dev/null and its like by itself; these rules let them be used, and any node be made. */
const defaultRules: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...(
    [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
    ] as const
  ).map(([major, minor]): OciDeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/** @throws `oci/invalid-option` for a device that does not exist or a rule nobody can read */
export function chooseDevices(options: {
  readonly mappings: readonly DeviceMapping[];
  /** `c 1:3 mr`, `b *:* rwm` */
  readonly cgroupRules: readonly string[];
  readonly privileged: boolean;
}): DeviceChoice {
  if (options.privileged) {
    return { devices: hostDevices('/dev'), rules: [{ allow: true, access: 'rwm' }] };
  }
  const mapped = options.mappings.flatMap(mappedDevices);
  const rules = mapped.map(({ device: { type, major, minor }, access }): OciDeviceRule => {
    return { allow: true, type: type === 'b' ? 'b' : 'c', major, minor, access };
  });
  return {
    devices: mapped.map(({ device }) => device),
    rules: [...defaultRules, ...rules, ...options.cgroupRules.map(parseRule)],
  };
}

interface MappedDevice {
  readonly device: OciDevice;
  readonly access: string;
}

/** A folder stands for every device beneath it. */
function mappedDevices({ PathOnHost, PathInContainer, CgroupPermissions }: DeviceMapping): MappedDevice[] {
  const access = CgroupPermissions === '' ? 'rwm' : CgroupPermissions;
  if (!/^[rwm]{1,3}$/.test(access)) throw invalid('device', PathOnHost, `invalid device mode: ${access}`);
  const target = PathInContainer === '' ? PathOnHost : PathInContainer;
  const found = statOf(PathOnHost);
  const devices = found.isDirectory()
    ? hostDevices(PathOnHost).map((device) => ({ ...device, path: join(target, device.path.slice(PathOnHost.length)) }))
    : [deviceFrom(found, target)].filter((device) => device !== undefined);
  if (devices.length === 0) throw unknownDevice(PathOnHost, 'not a device node');
  return devices.map((device) => ({ device, access }));
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file or directory' : (errnoOf(cause) ?? 'unreadable');
    throw unknownDevice(path, reason);
  }
}

function unknownDevice(path: string, reason: string): TscomposeError<'oci/invalid-option'> {
  return invalid('device', path, `error gathering device information while adding custom device "${path}": ${reason}`);
}

const skippedFolders = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

function hostDevices(folder: string): OciDevice[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : hostDevices(path);
    if (entry.name === 'console' || !(entry.isCharacterDevice() || entry.isBlockDevice())) return [];
    const found = lstatSync(path, { throwIfNoEntry: false }); // a device may be unplugged while we look
    const device = found === undefined ? undefined : deviceFrom(found, path);
    return device === undefined ? [] : [device];
  });
}

function deviceFrom(found: Stats, path: string): OciDevice | undefined {
  if (!found.isCharacterDevice() && !found.isBlockDevice()) return undefined;
  const type = found.isBlockDevice() ? 'b' : 'c';
  return { type, path, ...splitDevice(found.rdev), fileMode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}

function parseRule(text: string): OciDeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw invalid('device-cgroup-rule', text, `invalid device cgroup rule format: '${text}'`);
  const [, type, major, minor, access = 'rwm'] = match;
  return {
    allow: true,
    type: type === 'a' ? 'a' : type === 'b' ? 'b' : 'c',
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}

function invalid(option: string, value: string, message: string): TscomposeError<'oci/invalid-option'> {
  return new TscomposeError({ code: 'oci/invalid-option', message, facts: { option, value } });
}
