import { isAbsolute, resolve } from 'node:path';
import type { HostConfig, RestartPolicy } from '../../api/container.js';
import type { Service } from '../../compose/index.js';
import { parseVolumesFrom, sharedService } from '../../graph/index.js';
import { integer } from '../units.js';
import type { RequestContext } from './context.js';
import { linksOf, networkMode } from './endpoints.js';
import { mountsOf } from './mounts.js';
import { portBindings } from './ports.js';
import { compact, nonEmpty, resourcesOf } from './resources.js';

export function hostConfig(context: RequestContext): HostConfig {
  const { definition: service } = context;
  const { binds, mounts } = mountsOf(context);
  const unconfinedPaths = service.security_opt?.some((option) => /^systempaths[=:]unconfined$/.test(option)) === true;
  return {
    ...resourcesOf(service),
    ...compact<HostConfig>({
      NetworkMode: networkMode(context),
      Binds: nonEmpty(binds),
      Mounts: nonEmpty(mounts),
      Tmpfs: service.tmpfs === undefined ? undefined : Object.fromEntries(service.tmpfs.map(tmpfsEntry)),
      VolumesFrom: nonEmpty((service.volumes_from ?? []).map((text) => volumesFrom(context, text))),
      PortBindings: service.ports === undefined ? undefined : portBindings(service),
      Links: nonEmpty(linksOf(context)),
      RestartPolicy: restartPolicy(service),
      LogConfig: compact({ Type: service.logging?.driver ?? '', Config: copy(service.logging?.options) }),
      Annotations: copy(service.annotations),
      CapAdd: list(service.cap_add),
      CapDrop: list(service.cap_drop),
      CgroupnsMode: cgroupMode(service.cgroup),
      Dns: list(service.dns),
      DnsOptions: list(service.dns_opt),
      DnsSearch: list(service.dns_search),
      ExtraHosts: nonEmpty((service.extra_hosts ?? []).map(extraHost)),
      GroupAdd: list(service.group_add),
      IpcMode: sharedMode(context, service.ipc),
      PidMode: sharedMode(context, service.pid ?? undefined),
      UTSMode: service.uts,
      UsernsMode: service.userns_mode,
      OomScoreAdj: service.oom_score_adj,
      Privileged: service.privileged,
      ReadonlyRootfs: service.read_only,
      SecurityOpt: nonEmpty(securityOptions(context)),
      MaskedPaths: unconfinedPaths ? [] : undefined,
      ReadonlyPaths: unconfinedPaths ? [] : undefined,
      StorageOpt: copy(service.storage_opt),
      ShmSize: integer(service.shm_size),
      Sysctls: copy(service.sysctls),
      Runtime: service.runtime,
      Isolation: service.isolation,
      Init: service.init,
      AutoRemove: context.oneOff?.autoRemove === true ? true : undefined,
    }),
  };
}

/** Undefined: the engine's default, which is not to restart. */
function restartPolicy(service: Service): RestartPolicy | undefined {
  const deployed = service.deploy?.restart_policy;
  if (deployed?.condition !== undefined) {
    const attempts = deployed.max_attempts;
    switch (deployed.condition) {
      case 'none':
      case 'no':
        return { Name: 'no' };
      case 'on-failure':
        return { Name: 'on-failure', ...(attempts === undefined ? {} : { MaximumRetryCount: attempts }) };
      case 'unless-stopped':
        return { Name: 'unless-stopped' };
      default:
        return { Name: 'always' };
    }
  }
  const [name = '', count] = (service.restart ?? '').split(':');
  switch (name) {
    case 'no':
    case 'always':
    case 'unless-stopped':
      return { Name: name };
    case 'on-failure':
      return { Name: name, ...(count === undefined ? {} : { MaximumRetryCount: Number(count) }) };
    default:
      return undefined;
  }
}

function volumesFrom(context: RequestContext, text: string): string {
  const { service, container, mode } = parseVolumesFrom(text);
  const source = service === undefined ? container : context.containerOf(service);
  return mode === undefined ? (source ?? '') : `${source ?? ''}:${mode}`;
}

function sharedMode(context: RequestContext, mode: string | undefined): string | undefined {
  const service = sharedService(mode);
  return service === undefined ? mode : `container:${context.containerOf(service)}`;
}

/** Profiles are made absolute; whoever sends the request puts their content in. */
function securityOptions({ project, definition }: RequestContext): string[] {
  return (definition.security_opt ?? []).flatMap((option) => {
    if (/^systempaths[=:]/.test(option)) return [];
    const file = /^seccomp[=:](.*)$/.exec(option)?.[1];
    if (file === undefined || file === 'unconfined' || file === 'builtin' || file.startsWith('{')) return [option];
    return [`seccomp=${isAbsolute(file) ? file : resolve(project.workingDir, file)}`];
  });
}

function extraHost(text: string): string {
  const separator = text.indexOf('=');
  return separator < 0 ? text : `${text.slice(0, separator)}:${text.slice(separator + 1)}`;
}

function tmpfsEntry(text: string): [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

function cgroupMode(mode: string | undefined): HostConfig['CgroupnsMode'] {
  return mode === 'host' || mode === 'private' ? mode : undefined;
}

function list(items: readonly string[] | undefined): string[] | undefined {
  return nonEmpty([...(items ?? [])]);
}

function copy(record: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined {
  return record === undefined ? undefined : { ...record };
}
