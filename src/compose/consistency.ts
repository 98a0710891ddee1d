import type { ErrorCode, ErrorInit } from '../base/errors.js';
import { readNativeProbe } from '../base/native-probe.js';
import type { FileReference, NodePath, ProjectModel, Service } from './model.js';
import { placeAt, type Node } from './node.js';
import type { Problems } from './problems.js';
import { didYouMean } from './suggest.js';
import { locationOf } from './source-text.js';

export interface ConsistencyInput {
  readonly model: ProjectModel;
  readonly disabled: Readonly<Record<string, Service>>;
  readonly root: Node;
  readonly problems: Problems;
  /** Names by top-level section, as the files give them, whether or not they are well-formed. */
  readonly declared: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Scope extends ConsistencyInput {
  /** Earlier stages had to leave parts out: only what is certain to be wrong is reported. */
  readonly damaged: boolean;
}

/** Checks that the parts of a project fit together; every misfit is added to `problems`. */
export function checkConsistency(input: ConsistencyInput): void {
  const { model, problems } = input;
  const scope: Scope = { ...input, damaged: problems.any };
  for (const name of Object.keys(model.services).sort()) {
    const service = model.services[name];
    if (service !== undefined) new ServiceCheck(scope, name, service).run();
  }
  if (!scope.damaged) for (const name of Object.keys(model.secrets ?? {})) checkSecret(scope, name);
  if (!problems.any) checkCycles(scope);
}

class ServiceCheck {
  readonly #scope: Scope;
  readonly #name: string;
  readonly #service: Service;

  constructor(scope: Scope, name: string, service: Service) {
    this.#scope = scope;
    this.#name = name;
    this.#service = service;
  }

  run(): void {
    this.#dependencies();
    this.#mounts();
    this.#files();
    this.#models();
    this.#networks();
    if (this.#scope.damaged) return;
    this.#image();
    this.#build();
    this.#modes();
    this.#healthcheck();
    this.#scale();
    this.#limits();
    this.#watch();
    this.#mountTargets();
  }

  #image(): void {
    const { build, image, provider } = this.#service;
    if (build !== undefined || image !== undefined || provider !== undefined) return;
    this.#conflict(
      [],
      `service "${this.#name}" has neither an image nor a build context specified`,
      'add image: or build:',
    );
  }

  #build(): void {
    const { build, platform } = this.#service;
    if (build === undefined) return;
    if (build.dockerfile !== undefined && build.dockerfile_inline !== undefined) {
      this.#conflict(
        ['build', 'dockerfile_inline'],
        'dockerfile and dockerfile_inline exclude each other',
        'keep one of them',
      );
    }
    for (const [key, context] of Object.entries(build.additional_contexts ?? {})) {
      if (!context.startsWith('service:')) continue;
      const target = context.slice('service:'.length);
      const path = ['build', 'additional_contexts', key];
      const service = this.#scope.model.services[target];
      if (service === undefined) this.#undefined(path, 'service', target, Object.keys(this.#scope.model.services));
      else if (service.build === undefined)
        this.#conflict(
          path,
          `service "${target}" is used as a build context but has no build`,
          `give "${target}" a build:, or name its image with docker-image://`,
        );
    }
    if (platform !== undefined && build.platforms !== undefined && !build.platforms.includes(platform)) {
      this.#conflict(
        ['platform'],
        `build.platforms must include the platform of the service, ${platform}`,
        `add ${platform} to build.platforms`,
      );
    }
    for (const [index, secret] of (build.secrets ?? []).entries()) {
      this.#reference(['build', 'secrets', index], 'build secret', sourceOf(secret), this.#scope.model.secrets);
    }
  }

  #networks(): void {
    if (this.#service.network_mode !== undefined) return;
    for (const key of Object.keys(this.#service.networks ?? {})) {
      this.#reference(['networks', key], 'network', key, this.#scope.model.networks, 'key');
    }
  }

  #modes(): void {
    const { network_mode: mode, networks } = this.#service;
    if (mode === undefined || networks === undefined || Object.keys(networks).length === 0) return;
    this.#conflict(['network_mode'], 'network_mode and networks exclude each other', 'keep one of them');
  }

  #healthcheck(): void {
    const { test = [] } = this.#service.healthcheck ?? {};
    const [first] = test;
    if (first === undefined || ['CMD', 'CMD-SHELL', 'NONE'].includes(first)) return;
    const native = readNativeProbe(test);
    if (native?.kind === 'native') return;
    this.#conflict(
      ['healthcheck', 'test'],
      native?.problem ?? 'healthcheck.test must start with CMD, CMD-SHELL or NONE, or with HTTP, TCP, UNIX or LOG',
      'a command line is written as a text, or as ["CMD-SHELL", "…"]',
    );
  }

  #dependencies(): void {
    const { depends_on: dependsOn, network_mode: mode } = this.#service;
    const { model, disabled } = this.#scope;
    for (const [dependency, { required }] of Object.entries(dependsOn ?? {})) {
      const inactive = disabled[dependency] !== undefined;
      if (model.services[dependency] !== undefined || (inactive && !required)) continue;
      if (!inactive && this.#mayExist('services', dependency)) continue;
      this.#add({
        code: 'compose/undefined-dependency',
        message: inactive
          ? `service "${this.#name}" depends on "${dependency}", which no active profile enables`
          : `service "${this.#name}" depends on "${dependency}", which no file defines`,
        facts: { service: this.#name, dependency },
        hint: inactive
          ? 'activate one of its profiles with --profile'
          : (didYouMean(dependency, Object.keys(model.services)) ?? `define "${dependency}" under "services:"`),
        at: this.#at(['depends_on', dependency], 'key'),
      });
    }
    if (mode?.startsWith('service:') === true && dependsOn?.[mode.slice('service:'.length)] === undefined) {
      const target = mode.slice('service:'.length);
      if (model.services[target] === undefined) {
        this.#undefined(['network_mode'], 'service', target, Object.keys(model.services));
      }
    }
  }

  #mounts(): void {
    for (const [index, mount] of (this.#service.volumes ?? []).entries()) {
      if (mount.type !== 'volume' || mount.source === undefined) continue;
      this.#reference(['volumes', index], 'volume', mount.source, this.#scope.model.volumes);
    }
  }

  #files(): void {
    for (const [index, config] of (this.#service.configs ?? []).entries()) {
      this.#reference(['configs', index], 'config', sourceOf(config), this.#scope.model.configs);
    }
    for (const [index, secret] of (this.#service.secrets ?? []).entries()) {
      this.#reference(['secrets', index], 'secret', sourceOf(secret), this.#scope.model.secrets);
    }
  }

  #scale(): void {
    const { scale, deploy, container_name: containerName } = this.#service;
    const replicas = deploy?.replicas;
    if (scale !== undefined && replicas !== undefined && scale !== replicas) {
      this.#conflict(['scale'], `can't set distinct values on 'scale' and 'deploy.replicas'`, 'keep one of them');
    }
    const wanted = scale ?? replicas ?? 1;
    if (wanted < 0)
      this.#conflict(
        [scale === undefined ? 'deploy' : 'scale'],
        'a service cannot have fewer than 0 containers',
        '0 means none',
      );
    if (wanted > 1 && containerName !== undefined) {
      this.#conflict(
        ['container_name'],
        `container_name allows one container only, and ${wanted} are asked for`,
        'leave container_name out: containers are then named after project, service and number',
      );
    }
  }

  #limits(): void {
    const service = this.#service;
    if (service.deploy === undefined) return;
    const { limits, reservations } = service.deploy.resources ?? {};
    const pairs: readonly (readonly [string, string, unknown, object | undefined, unknown])[] = [
      ['cpus', 'limits.cpus', service.cpus, limits, limits?.cpus ?? 0],
      ['mem_limit', 'limits.memory', service.mem_limit, limits, limits?.memory ?? '0'],
      ['mem_reservation', 'reservations.memory', service.mem_reservation, reservations, reservations?.memory ?? '0'],
      ['pids_limit', 'limits.pids', service.pids_limit, limits, limits?.pids ?? 0],
    ];
    for (const [key, twin, value, group, other] of pairs) {
      if (value === undefined || group === undefined || value === other) continue;
      this.#conflict([key], `can't set distinct values on '${key}' and 'deploy.resources.${twin}'`, 'keep one of them');
    }
  }

  #mountTargets(): void {
    const taken = new Set<string>();
    const take = (target: string | undefined, path: NodePath): void => {
      if (target === undefined) return;
      if (taken.has(target))
        this.#conflict(path, `something is already mounted at ${target}`, 'one mount has one place');
      taken.add(target);
    };
    for (const [index, text] of (this.#service.tmpfs ?? []).entries()) take(text.split(':', 1)[0], ['tmpfs', index]);
    for (const [index, { target }] of (this.#service.volumes ?? []).entries()) take(target, ['volumes', index]);
  }

  #watch(): void {
    for (const [index, rule] of (this.#service.develop?.watch ?? []).entries()) {
      const action = String(rule['action']);
      if (rule['target'] !== undefined || action === 'rebuild' || action === 'restart') continue;
      this.#conflict(
        ['develop', 'watch', index],
        `a watch rule that does ${action} needs a target`,
        'target is the place in the container',
      );
    }
  }

  #models(): void {
    for (const key of Object.keys(this.#service.models ?? {})) {
      this.#reference(['models', key], 'model', key, this.#scope.model.models, 'key');
    }
  }

  #reference(
    path: NodePath,
    kind: string,
    name: string,
    known: Readonly<Record<string, unknown>> | undefined,
    prefer: 'value' | 'key' = 'value',
  ): void {
    if ((name === '' && this.#scope.damaged) || known?.[name] !== undefined) return;
    this.#undefined(path, kind, name, Object.keys(known ?? {}), prefer);
  }

  #undefined(
    path: NodePath,
    kind: string,
    name: string,
    known: readonly string[],
    prefer: 'value' | 'key' = 'value',
  ): void {
    const section = kind === 'build secret' ? 'secrets' : `${kind}s`;
    if (this.#mayExist(section, name)) return;
    this.#add({
      code: 'compose/undefined-reference',
      message: `service "${this.#name}" refers to undefined ${kind} "${name}"`,
      facts: { service: this.#name, kind, name },
      hint: didYouMean(name, known) ?? `declare it under the top-level "${section}:"`,
      at: this.#at(path, prefer),
    });
  }

  /** Declared, but too faulty to have come this far. */
  #mayExist(section: string, name: string): boolean {
    return this.#scope.damaged && (this.#scope.declared.get(section)?.has(name) ?? false);
  }

  #conflict(path: NodePath, problem: string, hint: string): void {
    const place = ['services', this.#name, ...path].join('.');
    const message = path.length === 0 ? problem : `services.${this.#name}: ${problem}`;
    this.#add({ code: 'compose/conflict', message, facts: { path: place }, hint, at: this.#at(path, 'key') });
  }

  #at(path: NodePath, prefer: 'value' | 'key'): ReturnType<typeof locationOf> {
    return locationOf(placeAt(this.#scope.root, ['services', this.#name, ...path], prefer));
  }

  #add<Code extends ErrorCode>(init: ErrorInit<Code>): void {
    this.#scope.problems.add(init);
  }
}

/** An empty one is left out of the model, and names nothing. */
function sourceOf({ source = '' }: Partial<FileReference>): string {
  return source;
}

function checkSecret(scope: Scope, name: string): void {
  const secret = scope.model.secrets?.[name];
  if (secret === undefined || secret.external === true) return;
  if (secret.file !== undefined || secret.environment !== undefined) return;
  scope.problems.add({
    code: 'compose/conflict',
    message: `secret "${name}" must declare either file or environment`,
    facts: { path: `secrets.${name}` },
    hint: 'file: ./path, environment: VARIABLE, or external: true',
    at: locationOf(placeAt(scope.root, ['secrets', name], 'key')),
  });
}

function checkCycles(scope: Scope): void {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return;
    const start = path.indexOf(name);
    if (start !== -1) {
      const cycle = [...path.slice(start), name];
      scope.problems.add({
        code: 'compose/dependency-cycle',
        message: `dependency cycle detected: ${cycle.join(' -> ')}`,
        facts: { path: cycle },
        hint: 'one of these services must start without waiting for the other',
        at: locationOf(placeAt(scope.root, ['services', cycle.at(-2) ?? name, 'depends_on', name], 'key')),
      });
      return;
    }
    for (const dependency of Object.keys(scope.model.services[name]?.depends_on ?? {}).sort()) {
      visit(dependency, [...path, name]);
    }
    done.add(name);
  };
  for (const name of Object.keys(scope.model.services).sort()) visit(name, []);
}
