/**
 * Member order of docker compose's own model, for hashes that either tool can compute (docker compose 2.26; the model
 * of its `config --format json`). `[]` leads into the elements of a list or the values of a mapping with user keys.
 * What is not named here has user keys, which are sorted.
 */
interface Shape {
  readonly members: readonly string[];
  /** Emitted even when absent, as this JSON. */
  readonly always?: Readonly<Record<string, string>>;
  /** Names in JSON, where they differ from the model's. */
  readonly written?: Readonly<Record<string, string>>;
  readonly inside?: Readonly<Record<string, Shape>>;
  /** A member of 0 is left out, and a bare 0 has no members. */
  readonly withoutZeros?: true;
}

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');

const throttle: Shape = { members: words('path rate'), written: { path: 'Path', rate: 'Rate' } };
const fileReference: Shape = { members: words('source target uid gid mode') };
const deviceRequest: Shape = { members: words('capabilities driver count device_ids options') };
const hook: Shape = {
  members: words('command image user privileged working_dir environment per_replica'),
  always: { command: 'null' },
};
const resources: Shape = {
  members: words('cpus memory pids devices generic_resources'),
  inside: { 'devices[]': deviceRequest },
};
const rollout: Shape = { members: words('parallelism delay failure_action monitor max_failure_ratio order') };

export const serviceShape: Shape = {
  members: words(`profiles annotations attach build develop blkio_config cap_add cap_drop cgroup_parent cgroup
    cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpus cpuset cpu_shares command configs
    container_name credential_spec depends_on deploy device_cgroup_rules devices dns dns_opt dns_search dockerfile
    domainname entrypoint provider environment env_file expose extends external_links extra_hosts group_add gpus
    hostname healthcheck image init ipc isolation labels label_file links logging log_driver log_opt mem_limit
    mem_reservation memswap_limit mem_swappiness mac_address models net network_mode networks oom_kill_disable
    oom_score_adj pid pids_limit platform ports privileged pull_policy read_only restart runtime scale secrets
    security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits
    use_api_socket user userns_mode uts volume_driver volumes volumes_from working_dir pre_start post_start pre_stop`),
  always: { command: 'null', entrypoint: 'null' },
  inside: {
    blkio_config: {
      members: words('weight weight_device device_read_bps device_read_iops device_write_bps device_write_iops'),
      inside: {
        'weight_device[]': { members: words('path weight'), written: { path: 'Path', weight: 'Weight' } },
        'device_read_bps[]': throttle,
        'device_read_iops[]': throttle,
        'device_write_bps[]': throttle,
        'device_write_iops[]': throttle,
      },
    },
    'configs[]': fileReference,
    'secrets[]': fileReference,
    credential_spec: { members: words('config file registry') },
    'depends_on[]': { members: words('condition restart required') },
    deploy: {
      members: words(
        'mode replicas labels update_config rollback_config resources restart_policy placement endpoint_mode',
      ),
      always: { resources: '{}', placement: '{}' },
      inside: {
        update_config: rollout,
        rollback_config: rollout,
        resources: { members: words('limits reservations'), inside: { limits: resources, reservations: resources } },
        restart_policy: { members: words('condition delay max_attempts window') },
        placement: { members: words('constraints preferences max_replicas_per_node') },
      },
    },
    'devices[]': { members: words('source target permissions') },
    'gpus[]': deviceRequest,
    develop: {
      members: ['watch'],
      inside: {
        'watch[]': {
          members: words('path action target exec include ignore initial_sync'),
          always: { exec: '{"command":null}' },
          inside: { exec: hook },
        },
      },
    },
    'env_file[]': { members: words('path required format') },
    healthcheck: { members: words('test timeout interval retries start_period start_interval disable') },
    'pre_start[]': hook,
    'post_start[]': hook,
    'pre_stop[]': hook,
    logging: { members: words('driver options') },
    'models[]': { members: words('endpoint_var model_var') },
    'networks[]': {
      members: words(`priority aliases ipv4_address ipv6_address link_local_ips mac_address driver_opts gw_priority
        interface_name`),
    },
    'ports[]': { members: words('name mode host_ip target published protocol app_protocol') },
    provider: { members: words('type options') },
    'ulimits[]': { members: words('single soft hard'), withoutZeros: true },
    'volumes[]': {
      members: words('type source target read_only consistency bind volume tmpfs image x-idmap'),
      inside: {
        bind: { members: words('selinux propagation create_host_path recursive') },
        volume: { members: words('labels nocopy subpath') },
        tmpfs: { members: words('size mode') },
        image: { members: ['subpath'] },
      },
    },
  },
};

export const networkShape: Shape = {
  members: words('name driver driver_opts ipam external internal attachable labels enable_ipv4 enable_ipv6'),
  always: { ipam: '{}' },
  inside: {
    ipam: {
      members: words('driver config options'),
      inside: { 'config[]': { members: words('subnet gateway ip_range aux_addresses') } },
    },
  },
};

export const volumeShape: Shape = { members: words('name driver driver_opts external labels') };

/** JSON as Go's encoder writes it: members in the order of `shape`, other keys sorted, `<`, `>`, `&` escaped. */
export function canonicalJson(value: unknown, shape: Shape): string {
  return encode(value, shape).replace(/[&<>\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function encode(value: unknown, shape: Shape | undefined): string {
  if (Array.isArray(value)) return `[${value.map((item) => encode(item, shape)).join(',')}]`;
  if (value === 0 && shape?.withoutZeros === true) return '{}';
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  if (shape === undefined) return object(sortedKeys(value).map((key) => [key, encode(value[key], undefined)]));
  const names = membersOf(value, shape);
  return object(
    names.map((name) => {
      const item = value[name];
      const text = item === undefined ? (shape.always?.[name] ?? 'null') : encodeMember(item, name, shape);
      return [shape.written?.[name] ?? name, text];
    }),
  );
}

const ranks = new WeakMap<Shape, ReadonlyMap<string, number>>();

/** Names to write, in order. Services have few of their many members, so the present ones are sorted. */
function membersOf(value: Readonly<Record<string, unknown>>, shape: Shape): string[] {
  let rank = ranks.get(shape);
  if (rank === undefined) ranks.set(shape, (rank = new Map(shape.members.map((name, index) => [name, index]))));
  const order = rank;
  const absent = (member: unknown): boolean => member === undefined || (member === 0 && shape.withoutZeros === true);
  const present = Object.keys(value).filter((name) => !absent(value[name]) && order.has(name));
  const missing = Object.keys(shape.always ?? {}).filter((name) => value[name] === undefined);
  return [...present, ...missing].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

function encodeMember(item: unknown, name: string, shape: Shape): string {
  const inner = shape.inside?.[`${name}[]`];
  if (inner === undefined || !isRecord(item)) return encode(item, inner ?? shape.inside?.[name]);
  return object(sortedKeys(item).map((key) => [key, encode(item[key], inner)]));
}

function object(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

/** Sorted as Go sorts: by bytes of UTF-8. */
function sortedKeys(value: Readonly<Record<string, unknown>>): string[] {
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  if (keys.every((key) => /^[\x20-\x7e]*$/.test(key))) return keys.sort(); // the same order there
  return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
