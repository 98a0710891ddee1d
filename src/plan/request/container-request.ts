import type { ContainerCreateRequest } from '../../api/container.js';
import type { Service } from '../../compose/index.js';
import { parseVolumesFrom, sharedService } from '../../graph/index.js';
import { hashInput, serviceHash } from '../config-hash.js';
import { containerLabels } from '../labels.js';
import { stepsNeededBy } from '../placeholders.js';
import { durationS } from '../units.js';
import type { RequestContext } from './context.js';
import { endpointsOf } from './endpoints.js';
import { healthConfig } from './health-check.js';
import { hostConfig } from './host-config.js';
import { exposedPorts } from './ports.js';
import { compact, nonEmpty } from './resources.js';

export interface ContainerRequest {
  readonly request: ContainerCreateRequest;
  /** Given when the hash label still lacks ids that steps of the plan bring. */
  readonly hashInput: string | undefined;
}

/** The create call for one replica of a service, as docker compose would make it. */
export function containerRequest(context: RequestContext): ContainerRequest {
  const { project, service, definition, number, image, imageId, oneOff, replaces } = context;
  const referring = withContainerIds(definition, context.containerOf);
  const input = hashInput(referring);
  const open = stepsNeededBy(input).length > 0;
  const endpoints = endpointsOf(context);
  const request = compact<ContainerCreateRequest>({
    Image: image,
    Hostname: definition.hostname,
    Domainname: definition.domainname,
    User: definition.user,
    AttachStdin: oneOff?.interactive === true ? true : undefined,
    AttachStdout: true,
    AttachStderr: true,
    Tty: definition.tty,
    OpenStdin: definition.stdin_open,
    StdinOnce: oneOff?.interactive === true ? true : undefined,
    Env: nonEmpty(environmentList(definition.environment ?? {})),
    Cmd: definition.command === undefined || definition.command === null ? undefined : [...definition.command],
    Entrypoint:
      definition.entrypoint === undefined || definition.entrypoint === null ? undefined : [...definition.entrypoint],
    ExposedPorts: exposedPorts(definition),
    Healthcheck: healthConfig(definition.healthcheck),
    WorkingDir: definition.working_dir,
    MacAddress: Object.keys(endpoints).length === 0 ? definition.mac_address : undefined, // else the endpoint has it
    Labels: containerLabels(project, service, definition, {
      number,
      imageId,
      replaces,
      hash: serviceHash(referring),
      slug: oneOff?.slug,
    }),
    StopSignal: definition.stop_signal,
    StopTimeout: definition.stop_grace_period === undefined ? undefined : durationS(definition.stop_grace_period),
    HostConfig: hostConfig(context),
    NetworkingConfig: Object.keys(endpoints).length === 0 ? undefined : { EndpointsConfig: endpoints },
  });
  return { request, hashInput: open ? input : undefined };
}

/** References to services replaced by the ids of their containers, as they enter the config hash. */
export function withContainerIds(
  definition: Service,
  containerOf: (service: string) => string,
  networkOf = containerOf,
): Service {
  const mode = (text: string, idOf = containerOf) => {
    const service = sharedService(text);
    return service === undefined ? text : `container:${idOf(service)}`;
  };
  const volumes = (text: string) => {
    const { service, mode: access } = parseVolumesFrom(text);
    if (service === undefined) return text;
    return access === undefined ? containerOf(service) : `${containerOf(service)}:${access}`;
  };
  const { network_mode: networkMode, ipc, pid, volumes_from: volumesFrom } = definition;
  if ((networkMode ?? ipc ?? pid ?? volumesFrom) === undefined) return definition;
  return {
    ...definition,
    ...(networkMode === undefined ? {} : { network_mode: mode(networkMode, networkOf) }),
    ...(ipc === undefined ? {} : { ipc: mode(ipc) }),
    ...(pid === undefined || pid === null ? {} : { pid: mode(pid) }),
    ...(volumesFrom === undefined ? {} : { volumes_from: volumesFrom.map(volumes) }),
  };
}

/** `KEY` alone takes a variable of the image away. */
function environmentList(environment: Readonly<Record<string, string | null>>): string[] {
  return Object.entries(environment)
    .map(([key, value]) => (value === null ? key : `${key}=${value}`))
    .sort();
}
