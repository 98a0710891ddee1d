import type { BuildRequest } from '../plan/index.js';

/**
 * Builds as a file for `docker buildx bake`, which is what `docker compose build --print` writes. Members that say
 * nothing are left out.
 */
export function bakeFile(builds: readonly { readonly service: string; readonly request: BuildRequest }[]): string {
  const targets = builds.map(({ service, request }) => [targetName(service), target(request)] as const);
  const file = { group: { default: { targets: targets.map(([name]) => name) } }, target: Object.fromEntries(targets) };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Bake wants names without dots. */
function targetName(service: string): string {
  return service.replaceAll('.', '_');
}

function target(request: BuildRequest): Readonly<Record<string, unknown>> {
  const inline = request.dockerfileInline;
  return {
    ...(request.context === undefined ? {} : { context: request.context }),
    ...(inline === undefined ? { dockerfile: request.dockerfile ?? 'Dockerfile' } : { 'dockerfile-inline': inline }),
    ...filled('args', request.args),
    ...filled('contexts', { ...pinnedContexts(request), ...request.additionalContexts }),
    ...filled('labels', request.labels),
    ...filled('tags', request.tags),
    ...filled('cache-from', request.cacheFrom),
    ...filled('cache-to', request.cacheTo),
    ...filled(
      'ssh',
      Object.entries(request.ssh).map(([id, socket]) => (socket === null ? id : `${id}=${socket}`)),
    ),
    ...(request.target === undefined ? {} : { target: request.target }),
    ...filled('platforms', request.platforms),
    ...filled('attest', attestation(request.provenance)),
    ...(request.networkMode === undefined ? {} : { network: request.networkMode }),
    ...(request.shmSize === undefined ? {} : { 'shm-size': String(request.shmSize) }),
    ...(request.ulimits.length === 0
      ? {}
      : { ulimits: request.ulimits.map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`) }),
    ...filled(
      'extra-hosts',
      Object.fromEntries(
        request.extraHosts.map((entry) => {
          const [host = '', ...address] = entry.split(':');
          return [host, address.join(':')];
        }),
      ),
    ),
    ...(request.pull ? { pull: true } : {}),
    ...(request.noCache ? { 'no-cache': true } : {}),
    output: ['type=docker'],
  };
}

/** `--provenance` may be a mere yes. */
function attestation(provenance: string | undefined): readonly string[] {
  if (provenance === undefined) return [];
  return [`type=provenance${/^(true|1)$/.test(provenance) ? '' : `,${provenance}`}`];
}

/** Bases that a lock file pins, in the words of buildx; an id of this machine it cannot use. */
function pinnedContexts({ bases }: BuildRequest): Readonly<Record<string, string>> {
  const pins = Object.entries(bases?.pins ?? {}).filter(([, image]) => image.includes('@sha256:'));
  return Object.fromEntries(pins.map(([name, image]) => [name, `docker-image://${image}`]));
}

function filled(key: string, value: object): Readonly<Record<string, unknown>> {
  return Object.keys(value).length === 0 ? {} : { [key]: value };
}
