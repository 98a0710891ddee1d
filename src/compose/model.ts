import type { SourceLocation } from '../base/source-location.js';

/**
 * The canonical form of a project: keys and value forms are those of `config --format json`
 * (Compose Specification; short syntaxes expanded, defaults filled in, paths absolute, `$` not doubled).
 * Durations are Go texts (`1m30s`), sizes decimal texts in bytes.
 */
export interface ProjectModel {
  readonly name: string;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks?: Readonly<Record<string, NetworkDefinition>>;
  readonly volumes?: Readonly<Record<string, VolumeDefinition>>;
  readonly secrets?: Readonly<Record<string, FileObject>>;
  readonly configs?: Readonly<Record<string, FileObject>>;
  readonly models?: Readonly<Record<string, ModelDefinition>>;
  readonly [extension: `x-${string}`]: unknown;
}

export interface ModelDefinition {
  readonly name?: string;
  /** Reference of the model. */
  readonly model: string;
  /** Tokens. */
  readonly context_size?: number;
  readonly runtime_flags?: readonly string[];
}

export type ProjectResources = Pick<ProjectModel, 'networks' | 'volumes' | 'secrets' | 'configs' | 'models'>;

/** A loaded project: the model, where it came from, and where every node of it stands in the user's files. */
export interface Project {
  readonly name: string;
  /** Between the parts of names of containers and images; absent: `-`. */
  readonly separator?: '-' | '_';
  /** Absolute path of the project directory. */
  readonly workingDir: string;
  /** Absolute paths of the files loaded by `-f`, `COMPOSE_FILE` or discovery, in order. */
  readonly composeFiles: readonly string[];
  /** References of the files that were fetched from elsewhere, in the order they were met. */
  readonly remotes: readonly string[];
  readonly envFiles: readonly string[];
  readonly model: ProjectModel;
  /** The merged tree as plain data, when variables were left as they are: types can then not be told. */
  readonly raw?: unknown;
  /** Networks, volumes, configs, secrets and models that are declared but used by no enabled service. */
  readonly unusedResources: ProjectResources;
  /** Services left out by profiles or selection, so that a command line can still enable them. */
  readonly disabledServices: Readonly<Record<string, Service>>;
  /** Active profiles. */
  readonly profiles: readonly string[];
  /** By service: what the base images of its build stand for, where a lock file says it. */
  readonly pinnedBases?: Readonly<
    Record<
      string,
      {
        readonly pins: Readonly<Record<string, string>>;
        readonly commits: Readonly<Record<string, string>>;
        readonly only: boolean;
      }
    >
  >;
  /** What interpolation and valueless environment keys see. */
  readonly environment: Readonly<Record<string, string>>;
  /** Place of the node at a path such as `['services', 'web', 'ports', 0]`, or of its nearest known ancestor. */
  locate(path: NodePath): SourceLocation | undefined;
}

export type NodePath = readonly (string | number)[];

export type DependencyCondition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface Dependency {
  readonly condition: DependencyCondition;
  readonly required: boolean;
  readonly restart?: boolean;
}

export interface Build {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly additional_contexts?: Readonly<Record<string, string>>;
  readonly cache_from?: readonly string[];
  readonly cache_to?: readonly string[];
  readonly no_cache?: boolean;
  readonly no_cache_filter?: readonly string[];
  readonly pull?: boolean;
  readonly target?: string;
  readonly network?: string;
  readonly extra_hosts?: readonly string[];
  readonly isolation?: string;
  readonly privileged?: boolean;
  readonly entitlements?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly platforms?: readonly string[];
  readonly provenance?: string;
  readonly sbom?: string;
  readonly shm_size?: string;
  readonly ssh?: readonly string[];
  readonly secrets?: readonly FileReference[];
  readonly ulimits?: Readonly<Record<string, UlimitValue>>;
}

export type UlimitValue = number | { readonly soft: number; readonly hard: number };

export interface FileReference {
  readonly source: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  /** Permission bits as a number: `0o440` is 288. */
  readonly mode?: number;
}

export interface ServiceHook {
  readonly command?: readonly string[] | null;
  readonly user?: string;
  readonly privileged?: boolean;
  readonly working_dir?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly image?: string;
  readonly per_replica?: boolean;
}

export interface Port {
  readonly target: number;
  /** Decimal or range; absent: an ephemeral port. */
  readonly published?: string;
  readonly host_ip?: string;
  readonly protocol?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly app_protocol?: string;
}

export interface Mount {
  readonly type: 'volume' | 'bind' | 'tmpfs' | 'npipe' | 'cluster' | 'image';
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly consistency?: string;
  readonly bind?: {
    readonly propagation?: string;
    readonly create_host_path?: boolean;
    readonly recursive?: string;
    readonly selinux?: string;
  };
  readonly volume?: {
    readonly nocopy?: boolean;
    readonly subpath?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly tmpfs?: { readonly size?: string; readonly mode?: number };
  readonly image?: { readonly subpath?: string };
  /** An extension of ours; whatever the file says. */
  readonly 'x-idmap'?: unknown;
}

export interface ServiceNetwork {
  readonly aliases?: readonly string[];
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
  readonly link_local_ips?: readonly string[];
  readonly mac_address?: string;
  readonly interface_name?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly gw_priority?: number;
}

export interface HealthCheck {
  readonly test?: readonly string[];
  readonly disable?: boolean;
  readonly interval?: string;
  readonly timeout?: string;
  readonly retries?: number;
  readonly start_period?: string;
  readonly start_interval?: string;
}

export interface DeviceRequestSpec {
  readonly capabilities?: readonly string[];
  readonly count?: number;
  readonly device_ids?: readonly string[];
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface Deploy {
  readonly mode?: string;
  readonly replicas?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly resources?: {
    readonly limits?: { readonly cpus?: number; readonly memory?: string; readonly pids?: number };
    readonly reservations?: {
      readonly cpus?: number;
      readonly memory?: string;
      readonly devices?: readonly DeviceRequestSpec[];
    };
  };
  readonly restart_policy?: {
    readonly condition?: string;
    readonly delay?: string;
    readonly max_attempts?: number;
    readonly window?: string;
  };
  readonly [unused: string]: unknown;
}

export interface Service {
  readonly image?: string;
  readonly build?: Build;
  readonly platform?: string;
  readonly pull_policy?: string;
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly working_dir?: string;
  readonly user?: string;
  readonly group_add?: readonly string[];
  readonly hostname?: string;
  readonly domainname?: string;
  readonly container_name?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly env_file?: readonly { readonly path: string; readonly required?: boolean; readonly format?: string }[];
  readonly init?: boolean;
  readonly tty?: boolean;
  readonly stdin_open?: boolean;
  readonly attach?: boolean;
  readonly stop_signal?: string;
  readonly stop_grace_period?: string;
  readonly restart?: string;
  readonly healthcheck?: HealthCheck;
  readonly profiles?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly label_file?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly logging?: { readonly driver?: string; readonly options?: Readonly<Record<string, string>> };
  readonly pre_start?: readonly ServiceHook[];
  readonly post_start?: readonly ServiceHook[];
  readonly pre_stop?: readonly ServiceHook[];
  readonly depends_on?: Readonly<Record<string, Dependency>>;
  readonly links?: readonly string[];
  readonly external_links?: readonly string[];
  readonly scale?: number;
  readonly provider?: { readonly type: string; readonly options?: Readonly<Record<string, readonly string[]>> };
  readonly models?: Readonly<Record<string, { readonly endpoint_var?: string; readonly model_var?: string } | null>>;
  readonly use_api_socket?: boolean;
  readonly develop?: {
    readonly watch?: readonly (Readonly<Record<string, unknown>> & { readonly exec?: ServiceHook })[];
  };
  readonly networks?: Readonly<Record<string, ServiceNetwork | null>>;
  readonly network_mode?: string;
  readonly mac_address?: string;
  readonly ports?: readonly Port[];
  readonly expose?: readonly string[];
  readonly dns?: readonly string[];
  readonly dns_search?: readonly string[];
  readonly dns_opt?: readonly string[];
  /** `host=ip` */
  readonly extra_hosts?: readonly string[];
  readonly volumes?: readonly Mount[];
  readonly volumes_from?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly read_only?: boolean;
  readonly storage_opt?: Readonly<Record<string, string>>;
  readonly shm_size?: string;
  readonly configs?: readonly FileReference[];
  readonly secrets?: readonly FileReference[];
  readonly privileged?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly ulimits?: Readonly<Record<string, UlimitValue>>;
  readonly userns_mode?: string;
  readonly uts?: string;
  readonly ipc?: string;
  readonly pid?: string | null;
  readonly cgroup?: string;
  readonly cgroup_parent?: string;
  readonly isolation?: string;
  readonly runtime?: string;
  readonly devices?: readonly { readonly source: string; readonly target?: string; readonly permissions?: string }[];
  readonly device_cgroup_rules?: readonly string[];
  readonly gpus?: readonly DeviceRequestSpec[];
  readonly cpus?: number;
  readonly cpu_count?: number;
  readonly cpu_percent?: number;
  readonly cpu_shares?: number;
  readonly cpu_quota?: number;
  readonly cpu_period?: number;
  readonly cpu_rt_runtime?: number;
  readonly cpu_rt_period?: number;
  readonly cpuset?: string;
  readonly mem_limit?: string;
  readonly mem_reservation?: string;
  readonly memswap_limit?: string;
  readonly mem_swappiness?: string;
  readonly oom_kill_disable?: boolean;
  readonly oom_score_adj?: number;
  readonly pids_limit?: number;
  readonly blkio_config?: {
    readonly weight?: number;
    readonly weight_device?: readonly { readonly path: string; readonly weight: number }[];
    readonly device_read_bps?: readonly { readonly path: string; readonly rate: string }[];
    readonly device_read_iops?: readonly { readonly path: string; readonly rate: string }[];
    readonly device_write_bps?: readonly { readonly path: string; readonly rate: string }[];
    readonly device_write_iops?: readonly { readonly path: string; readonly rate: string }[];
  };
  readonly credential_spec?: Readonly<Record<string, string>>;
  readonly deploy?: Deploy;
  readonly [extension: `x-${string}`]: unknown;
}

export interface NetworkDefinition {
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly external?: boolean;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly enable_ipv4?: boolean;
  readonly enable_ipv6?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ipam?: {
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>>;
    readonly config?: readonly {
      readonly subnet?: string;
      readonly ip_range?: string;
      readonly gateway?: string;
      readonly aux_addresses?: Readonly<Record<string, string>>;
    }[];
  };
}

export interface VolumeDefinition {
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly external?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A config or a secret. */
export interface FileObject {
  readonly name: string;
  readonly file?: string;
  readonly environment?: string;
  readonly content?: string;
  readonly external?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly template_driver?: string;
}
