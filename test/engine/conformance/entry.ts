import type {
  ContainerConfig,
  ContainerCreateRequest,
  EndpointSettings,
  HostConfig,
} from '../../../src/api/container.js';
import type { Run } from './run.js';

/** A member of a create request, as the Engine API calls it. */
export type Field =
  | Exclude<keyof ContainerConfig, 'HostConfig'>
  | `HostConfig.${keyof HostConfig}`
  | `Endpoint.${keyof EndpointSettings}`;

/**
 * One thing that an attribute of a Compose file, or a member of a create request, does to a container. It is looked at
 * from inside: what the script prints is compared, never what `inspect` says.
 */
export interface Entry {
  /** As the Compose file has it: `cap_add`, `networks.*.aliases`; `-` where only the API can say it. */
  readonly attribute: string;
  readonly fields: readonly Field[];
  /** What is expected, in words; with the attribute it names the entry. */
  readonly effect: string;
  /** Members of the service under test, over image, no network and the script as command. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** More services and other top-level members of the Compose file. */
  readonly project?: Readonly<Record<string, unknown>>;
  /** Files beside the Compose file. */
  readonly files?: Readonly<Record<string, string>>;
  /** Created through the API alone, without a Compose file. */
  readonly api?: ContainerCreateRequest;
  /** Run by `sh` in the container. Its output and errors, without the last line ends, are what counts. */
  readonly script?: string;
  /** What to do instead of running a script to its end; resolves to what counts. */
  readonly act?: (run: Run) => Promise<string>;
  readonly expected: string | RegExp;
  /** How a dockerd differs, and why that is right. */
  readonly peer?: { readonly expected: string | RegExp; readonly because: string };
  /** Says what this machine lacks, where it lacks something. */
  readonly missing?: () => string | undefined;
}

/** What a table calls an entry. */
export function nameOf({ attribute, fields, effect }: Entry): string {
  return `${attribute === '-' ? fields.join(', ') : attribute}: ${effect}`;
}

/** Shell: prints a control file, by its place on cgroup v1 (controller, file) or v2 (file). */
export const readCgroup = 'cg() { cat /sys/fs/cgroup/$1/$2 2>/dev/null || cat /sys/fs/cgroup/$3; }; ';
