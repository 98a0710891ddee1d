import type { ContainerConfig, HealthConfig } from '../../api/container.js';
import { invalidConfig } from './errors.js';

/**
 * What a container runs: the request over the image ("Create a container"). An entrypoint in the request drops the
 * image's command; `[""]` as entrypoint means none.
 * @throws `container/invalid-config` when there is nothing to run
 */
export function mergeConfig(asked: ContainerConfig, image: ContainerConfig): ContainerConfig {
  const ownEntrypoint = asked.Entrypoint != null && asked.Entrypoint.length > 0;
  const entrypoint = asked.Entrypoint ?? image.Entrypoint ?? null;
  const cmd = !ownEntrypoint && (asked.Cmd ?? []).length === 0 ? (image.Cmd ?? null) : (asked.Cmd ?? null);
  const healthcheck = mergeHealth(asked.Healthcheck, image.Healthcheck);
  const stopTimeout = asked.StopTimeout ?? image.StopTimeout;
  const exposed = union(asked.ExposedPorts, image.ExposedPorts);
  const merged: ContainerConfig = {
    Hostname: asked.Hostname ?? '',
    Domainname: asked.Domainname ?? '',
    User: nonEmpty(asked.User) ?? image.User ?? '',
    AttachStdin: asked.AttachStdin ?? false,
    AttachStdout: asked.AttachStdout ?? false,
    AttachStderr: asked.AttachStderr ?? false,
    ...(exposed === null ? {} : { ExposedPorts: exposed }),
    Tty: asked.Tty ?? false,
    OpenStdin: asked.OpenStdin ?? false,
    StdinOnce: asked.StdinOnce ?? false,
    Env: emptyAsNull(mergeEnv(asked.Env ?? [], image.Env ?? [])),
    Cmd: cmd,
    Image: asked.Image ?? '',
    Volumes: union(asked.Volumes, image.Volumes),
    WorkingDir: nonEmpty(asked.WorkingDir) ?? image.WorkingDir ?? '',
    Entrypoint: entrypoint !== null && entrypoint.length === 1 && entrypoint[0] === '' ? null : entrypoint,
    OnBuild: image.OnBuild ?? null,
    Labels: { ...image.Labels, ...asked.Labels },
    ...(healthcheck === undefined ? {} : { Healthcheck: healthcheck }),
    ...(asked.NetworkDisabled === true ? { NetworkDisabled: true } : {}),
    ...(asked.MacAddress === undefined || asked.MacAddress === '' ? {} : { MacAddress: asked.MacAddress }),
    ...(nonEmpty(asked.StopSignal ?? image.StopSignal) === undefined
      ? {}
      : { StopSignal: nonEmpty(asked.StopSignal) ?? image.StopSignal ?? '' }),
    ...(stopTimeout == null ? {} : { StopTimeout: stopTimeout }),
    ...(asked.Shell == null && image.Shell == null ? {} : { Shell: asked.Shell ?? image.Shell ?? null }),
  };
  if ([...(merged.Entrypoint ?? []), ...(merged.Cmd ?? [])].length === 0) {
    throw invalidConfig('Cmd', 'no command specified');
  }
  if (merged.WorkingDir !== '' && merged.WorkingDir?.startsWith('/') !== true) {
    throw invalidConfig(
      'WorkingDir',
      `the working directory '${merged.WorkingDir ?? ''}' is invalid, it needs to be an absolute path`,
    );
  }
  return merged;
}

/** The words to execute: entrypoint, then command. */
export function commandOf(config: ContainerConfig): string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}

/** The request's words first; those of the image that it does not set after them. */
export function mergeEnv(asked: readonly string[], image: readonly string[]): string[] {
  const set = new Set(asked.map(nameOf));
  return [...asked, ...image.filter((word) => !set.has(nameOf(word)))];
}

function nameOf(word: string): string {
  const at = word.indexOf('=');
  return at < 0 ? word : word.slice(0, at);
}

function mergeHealth(
  asked: HealthConfig | null | undefined,
  image: HealthConfig | null | undefined,
): HealthConfig | undefined {
  if (asked == null) return image ?? undefined;
  if (image == null) return asked;
  const or = (own: number | undefined, other: number | undefined) => (own === undefined || own === 0 ? other : own);
  const numbers = {
    Interval: or(asked.Interval, image.Interval),
    Timeout: or(asked.Timeout, image.Timeout),
    StartPeriod: or(asked.StartPeriod, image.StartPeriod),
    StartInterval: or(asked.StartInterval, image.StartInterval),
    Retries: or(asked.Retries, image.Retries),
  };
  const given = Object.entries(numbers).filter(([, value]) => value !== undefined);
  const test = asked.Test == null || asked.Test.length === 0 ? image.Test : asked.Test;
  return { ...(test == null ? {} : { Test: test }), ...Object.fromEntries(given) };
}

function union(
  left: Record<string, object> | null | undefined,
  right: Record<string, object> | null | undefined,
): Record<string, object> | null {
  const both = { ...right, ...left };
  return Object.keys(both).length === 0 ? null : both;
}

function emptyAsNull(words: string[]): string[] | null {
  return words.length === 0 ? null : words;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
