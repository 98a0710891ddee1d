/**
 * The canonical form as data: which members each object has, in the order they are written, and what type each has.
 * Decoding, rendering and hashing all read this one table.
 */
export type Shape = ScalarShape | ListShape | MapShape | StructShape;

export type ScalarKind =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'unsigned'
  | 'float'
  | 'size'
  | 'duration'
  /** A short or long command; `null` keeps the image's, `[]` clears it. */
  | 'command'
  /** As a command, but a text is run by the shell. */
  | 'test'
  /** One text or several. */
  | 'texts'
  | 'texts or numbers'
  /** Names and texts; a name without a value is an empty text. */
  | 'assignments'
  /** As assignments, of texts and whole numbers alone. */
  | 'options'
  /** Names and texts; a name without a value is null: it is looked up later. */
  | 'variables'
  /** `host=ip` texts. */
  | 'hosts'
  | 'ssh'
  | 'ulimit'
  | 'device count'
  | 'provider options'
  | 'any';

export interface ScalarShape {
  readonly kind: ScalarKind;
}

export interface ListShape {
  readonly kind: 'list';
  readonly of: Shape;
}

export interface MapShape {
  readonly kind: 'map';
  readonly of: Shape;
  /** Members may be null, which is not the same as absent. */
  readonly nullable: boolean;
}

export interface StructShape {
  readonly kind: 'struct';
  readonly fields: readonly Field[];
}

/**
 * When a member is written. `filled`: unless it is empty, zero or false. `set`: whenever the file gives it.
 * `json`: in JSON always, in YAML and in the model when filled. `always`: always.
 */
export type Presence = 'filled' | 'set' | 'json' | 'always';

export interface Field {
  readonly name: string;
  readonly shape: Shape;
  readonly presence: Presence;
  /** Name in JSON, where it differs. */
  readonly jsonName?: string;
}

const scalarOf = (kind: ScalarKind): ScalarShape => ({ kind });
const text = scalarOf('text');
const flag = scalarOf('boolean');
const integer = scalarOf('integer');
const unsigned = scalarOf('unsigned');
const float = scalarOf('float');
const size = scalarOf('size');
const duration = scalarOf('duration');
const texts = scalarOf('texts');
const textList = listOf(text);
const assignments = scalarOf('assignments');
const variables = scalarOf('variables');

function listOf(of: Shape): ListShape {
  return { kind: 'list', of };
}

function mapOf(of: Shape, nullable = false): MapShape {
  return { kind: 'map', of, nullable };
}

/** Suffixes: `?` written whenever set, `!` always in JSON, `!!` always. */
function struct(members: Readonly<Record<string, Shape>>): StructShape {
  const fields = Object.entries(members).map(([key, shape]): Field => {
    const [, name = '', mark] = /^(.*?)([?!]*)$/.exec(key) ?? [];
    const presence = mark === '?' ? 'set' : mark === '!' ? 'json' : mark === '!!' ? 'always' : 'filled';
    return { name, shape, presence };
  });
  return { kind: 'struct', fields };
}

/** JSON names with a capital, as docker compose writes these two. */
function capitalised(shape: StructShape): StructShape {
  const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
  return { ...shape, fields: shape.fields.map((field) => ({ ...field, jsonName: capital(field.name) })) };
}

const fileReference = struct({ source: text, target: text, uid: text, gid: text, 'mode?': unsigned });
const ulimits = mapOf(scalarOf('ulimit'));
const hook = struct({
  'command!': scalarOf('command'),
  image: text,
  user: text,
  privileged: flag,
  working_dir: text,
  environment: variables,
  per_replica: flag,
});
const deviceRequest = struct({
  capabilities: textList,
  driver: text,
  count: scalarOf('device count'),
  device_ids: textList,
  options: assignments,
});
const weightDevices = listOf(capitalised(struct({ 'path!!': text, 'weight!!': unsigned })));
const throttleDevices = listOf(capitalised(struct({ 'path!!': text, 'rate!!': size })));
const resources = struct({
  cpus: float,
  memory: size,
  pids: integer,
  devices: listOf(deviceRequest),
  generic_resources: listOf(struct({ 'discrete_resource_spec?': struct({ 'kind!!': text, 'value!!': integer }) })),
});
const rollout = struct({
  'parallelism?': unsigned,
  delay: duration,
  failure_action: text,
  monitor: duration,
  max_failure_ratio: float,
  order: text,
});

const build = struct({
  context: text,
  dockerfile: text,
  dockerfile_inline: text,
  entitlements: textList,
  args: variables,
  provenance: text,
  sbom: text,
  ssh: scalarOf('ssh'),
  labels: assignments,
  cache_from: texts,
  cache_to: texts,
  no_cache: flag,
  no_cache_filter: texts,
  additional_contexts: assignments,
  pull: flag,
  extra_hosts: scalarOf('hosts'),
  isolation: text,
  network: text,
  target: text,
  secrets: listOf(fileReference),
  shm_size: size,
  tags: texts,
  ulimits,
  platforms: texts,
  privileged: flag,
});

const deploy = struct({
  mode: text,
  'replicas?': integer,
  labels: assignments,
  'update_config?': rollout,
  'rollback_config?': rollout,
  'resources!': struct({ 'limits?': resources, 'reservations?': resources }),
  'restart_policy?': struct({ condition: text, 'delay?': duration, 'max_attempts?': unsigned, 'window?': duration }),
  'placement!': struct({
    constraints: textList,
    preferences: listOf(struct({ spread: text })),
    max_replicas_per_node: unsigned,
  }),
  endpoint_mode: text,
});

const port = struct({
  name: text,
  mode: text,
  host_ip: text,
  target: unsigned,
  published: text,
  protocol: text,
  app_protocol: text,
});

const mount = struct({
  type: text,
  source: text,
  target: text,
  read_only: flag,
  consistency: text,
  'bind?': struct({ selinux: text, propagation: text, create_host_path: flag, recursive: text }),
  'volume?': struct({ labels: assignments, nocopy: flag, subpath: text }),
  'tmpfs?': struct({ size, mode: unsigned }),
  'image?': struct({ subpath: text }),
});

const serviceNetwork = struct({
  priority: integer,
  gw_priority: integer,
  aliases: textList,
  interface_name: text,
  ipv4_address: text,
  ipv6_address: text,
  link_local_ips: textList,
  mac_address: text,
  driver_opts: assignments,
});

const serviceShape: StructShape = struct({
  profiles: textList,
  annotations: assignments,
  'attach?': flag,
  'build?': build,
  'develop?': struct({
    watch: listOf(
      struct({
        'path!!': text,
        'action!!': text,
        target: text,
        'exec!': hook,
        include: texts,
        ignore: texts,
        initial_sync: flag,
      }),
    ),
  }),
  'blkio_config?': struct({
    weight: unsigned,
    weight_device: weightDevices,
    device_read_bps: throttleDevices,
    device_read_iops: throttleDevices,
    device_write_bps: throttleDevices,
    device_write_iops: throttleDevices,
  }),
  cap_add: textList,
  cap_drop: textList,
  cgroup_parent: text,
  cgroup: text,
  cpu_count: integer,
  cpu_percent: float,
  cpu_period: integer,
  cpu_quota: integer,
  cpu_rt_period: integer,
  cpu_rt_runtime: integer,
  cpus: float,
  cpuset: text,
  cpu_shares: integer,
  'command!': scalarOf('command'),
  configs: listOf(fileReference),
  container_name: text,
  'credential_spec?': struct({ config: text, file: text, registry: text }),
  depends_on: mapOf(struct({ condition: text, restart: flag, 'required!!': flag })),
  'deploy?': deploy,
  device_cgroup_rules: textList,
  devices: listOf(struct({ source: text, target: text, permissions: text })),
  dns: texts,
  dns_opt: textList,
  dns_search: texts,
  domainname: text,
  'entrypoint!': scalarOf('command'),
  'provider?': struct({ type: text, options: scalarOf('provider options') }),
  environment: variables,
  env_file: listOf(struct({ path: text, 'required!!': flag, format: text })),
  expose: scalarOf('texts or numbers'),
  'extends?': struct({ file: text, service: text }), // left when the base is empty
  external_links: textList,
  extra_hosts: scalarOf('hosts'),
  group_add: textList,
  gpus: listOf(deviceRequest),
  hostname: text,
  'healthcheck?': struct({
    test: scalarOf('test'),
    'timeout?': duration,
    'interval?': duration,
    'retries?': unsigned,
    'start_period?': duration,
    'start_interval?': duration,
    disable: flag,
  }),
  image: text,
  'init?': flag,
  ipc: text,
  isolation: text,
  labels: assignments,
  label_file: texts,
  links: textList,
  'logging?': struct({ driver: text, options: assignments }),
  mem_limit: size,
  mem_reservation: size,
  memswap_limit: size,
  mem_swappiness: size,
  mac_address: text,
  models: mapOf(struct({ endpoint_var: text, model_var: text }), true),
  network_mode: text,
  networks: mapOf(serviceNetwork, true),
  oom_kill_disable: flag,
  oom_score_adj: integer,
  pid: text,
  pids_limit: integer,
  platform: text,
  ports: listOf(port),
  privileged: flag,
  pull_policy: text,
  read_only: flag,
  restart: text,
  runtime: text,
  'scale?': integer,
  secrets: listOf(fileReference),
  security_opt: textList,
  shm_size: size,
  stdin_open: flag,
  'stop_grace_period?': duration,
  stop_signal: text,
  storage_opt: scalarOf('options'),
  sysctls: assignments,
  tmpfs: texts,
  tty: flag,
  ulimits,
  use_api_socket: flag,
  user: text,
  userns_mode: text,
  uts: text,
  volumes: listOf(mount),
  volumes_from: textList,
  working_dir: text,
  pre_start: listOf(hook),
  post_start: listOf(hook),
  pre_stop: listOf(hook),
});

const networkShape: StructShape = struct({
  name: text,
  driver: text,
  driver_opts: assignments,
  'ipam!': struct({
    driver: text,
    config: listOf(struct({ subnet: text, gateway: text, ip_range: text, aux_addresses: assignments })),
    options: assignments,
  }),
  external: flag,
  internal: flag,
  attachable: flag,
  labels: assignments,
  'enable_ipv4?': flag,
  'enable_ipv6?': flag,
});

const volumeShape: StructShape = struct({
  name: text,
  driver: text,
  driver_opts: assignments,
  external: flag,
  labels: assignments,
});

const fileObjectShape: StructShape = struct({
  name: text,
  file: text,
  environment: text,
  content: text,
  external: flag,
  labels: assignments,
  driver: text,
  driver_opts: assignments,
  template_driver: text,
});

const modelShape = struct({ name: text, model: text, context_size: integer, runtime_flags: textList });

export const projectShape: StructShape = struct({
  name: text,
  'services!!': mapOf(serviceShape),
  networks: mapOf(networkShape),
  volumes: mapOf(volumeShape),
  secrets: mapOf(fileObjectShape),
  configs: mapOf(fileObjectShape),
  models: mapOf(modelShape),
});
