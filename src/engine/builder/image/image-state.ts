import type { ContainerConfig } from '../../../api/container.js';
import type { HistoryEntry, OciImageConfig } from '../../images/index.js';

/** The part of an image that instructions write down without touching files. Immutable. */
export interface ImageState {
  readonly config: ContainerConfig;
  readonly author?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly 'os.version'?: string;
  /** CMD was given in this stage, so that an ENTRYPOINT after it leaves it (Dockerfile reference, "ENTRYPOINT"). */
  readonly cmdSet: boolean;
  readonly baseHistory: readonly HistoryEntry[];
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const defaultShell = ['/bin/sh', '-c'];

/** What FROM starts with: the base image's config with a PATH, without the triggers that fire now. */
export function stateFromImage(image: OciImageConfig): ImageState {
  const config = { ...image.config };
  delete config.OnBuild;
  delete config.Image;
  delete config.Hostname;
  delete config.Domainname;
  return {
    config: withDefaultPath(config),
    architecture: image.architecture,
    os: image.os,
    cmdSet: false,
    baseHistory: image.history ?? [],
    ...(image.author === undefined || image.author === '' ? {} : { author: image.author }),
    ...(image.variant === undefined ? {} : { variant: image.variant }),
    ...(image['os.version'] === undefined ? {} : { 'os.version': image['os.version'] }),
  };
}

/** `FROM scratch`. */
export function emptyState(platform: { os: string; architecture: string; variant?: string }): ImageState {
  return { ...platform, config: withDefaultPath({}), cmdSet: false, baseHistory: [] };
}

export function shellOf({ config }: ImageState): readonly string[] {
  return config.Shell != null && config.Shell.length > 0 ? config.Shell : defaultShell;
}

export function withConfig(state: ImageState, change: Partial<ContainerConfig>): ImageState {
  return { ...state, config: { ...state.config, ...change } };
}

/** `NAME=value` entries as a map; later ones win. */
export function envOf(config: ContainerConfig): Map<string, string> {
  return new Map(
    (config.Env ?? []).map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/** Sets a variable where it stands, or at the end. */
export function withEnv(state: ImageState, name: string, value: string): ImageState {
  const env = envOf(state.config);
  env.set(name, value);
  return withConfig(state, { Env: [...env].map(([key, text]) => `${key}=${text}`) });
}

function withDefaultPath(config: ContainerConfig): ContainerConfig {
  return envOf(config).has('PATH') ? config : { ...config, Env: [...(config.Env ?? []), `PATH=${defaultPath}`] };
}
