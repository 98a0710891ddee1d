import { composeLabels } from '../api/labels.js';
import type { ContainerCreateRequest } from '../api/container.js';
import { TscomposeError } from '../base/errors.js';
import type { Project, Service, ServiceHook } from '../compose/index.js';
import { hookLabels } from './labels.js';
import { imageOf } from './names.js';
import type { ContainerRef, HookCommand } from './operation.js';
import type { PlanBuilder } from './plan-builder.js';
import { idOfStep } from './placeholders.js';
import { networkKeys, networkName } from './request/endpoints.js';
import { compact, nonEmpty } from './request/resources.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    'plan/unsupported-hook': { readonly service: string };
  }
}

type Phase = 'post_start' | 'pre_stop';

/** Runs the hooks of a phase in a running container, one after the other. @returns the last step; none without hooks */
export function runHooks(
  builder: PlanBuilder,
  definition: Service | undefined,
  phase: Phase,
  container: ContainerRef,
  after: readonly number[],
): readonly number[] {
  let before = after;
  for (const [index, hook] of (definition?.[phase] ?? []).entries()) {
    const facts = { container, hook: hookCommand(hook), name: `${phase}[${index}]` };
    before = [builder.add('container.exec', `${phase} hook`, facts, before)];
  }
  return before;
}

export interface PreStart {
  readonly project: Project;
  readonly service: string;
  readonly definition: Service;
  /** The lowest replica: hooks see its volumes. */
  readonly replica: ContainerRef;
  /** Steps that bring images of hooks, by reference. */
  readonly imageSteps: ReadonlyMap<string, number>;
}

/**
 * Runs the `pre_start` hooks before the first replica starts, each in a container of its own: created, started, waited
 * for and removed. One that fails stays, to be looked at; `down` removes it.
 */
export function runPreStart(builder: PlanBuilder, hooks: PreStart, after: readonly number[]): readonly number[] {
  const { service, definition } = hooks;
  let before = after;
  for (const [index, hook] of (definition.pre_start ?? []).entries()) {
    const name = `pre_start[${index}]`;
    const cause = `${name} of ${service}`;
    const finalName = `${service} ${name}`;
    const request = hookRequest(hooks, hook);
    const image = hooks.imageSteps.get(hook.image ?? '');
    const creation = {
      service,
      number: 0,
      name: '', // the engine's choice: one that failed before may still be there
      finalName,
      request,
      hashInput: undefined,
      platform: definition.platform,
    };
    const created = builder.add('container.create', cause, creation, image === undefined ? before : [...before, image]);
    const container: ContainerRef = { name: finalName, service, step: created };
    const started = builder.add('container.start', cause, { container, hook: true }, [created]);
    const wait = {
      service,
      containers: [container],
      condition: 'completed' as const,
      required: true,
      dependent: service,
      at: hooks.project.locate(['services', service, 'pre_start', index]),
      hook: name,
    };
    const ended = builder.add('container.wait', cause, wait, [started]);
    before = [builder.add('container.remove', cause, { container, force: true, volumes: true }, [ended])];
  }
  return before;
}

function hookRequest({ project, service, definition, replica }: PreStart, hook: ServiceHook): ContainerCreateRequest {
  const { command, user, workingDir, privileged, environment } = hookCommand(hook);
  const own = Object.entries(definition.environment ?? {}).map(([key, value]) =>
    value === null ? key : `${key}=${value}`,
  );
  const keys = networkKeys(definition);
  const [primary] = keys;
  const mode =
    primary === undefined ? (definition.network_mode ?? 'none') : networkName(project.model.networks, primary);
  return compact<ContainerCreateRequest>({
    Image: hook.image ?? imageOf(project, service, definition),
    Cmd: [...command],
    Entrypoint: hook.image === undefined ? [''] : undefined,
    User: user ?? (hook.image === undefined ? definition.user : undefined),
    WorkingDir: workingDir ?? (hook.image === undefined ? definition.working_dir : undefined),
    Env: nonEmpty([...own.sort(), ...environment]),
    AttachStdout: true,
    AttachStderr: true,
    Labels: { ...hookLabels(project.name, service), [composeLabels.oneoff]: 'False' },
    HostConfig: {
      NetworkMode: mode.startsWith('service:') ? 'none' : mode,
      VolumesFrom: ['id' in replica ? replica.id : idOfStep(replica.step)],
      ...(privileged ? { Privileged: true } : {}),
    },
    NetworkingConfig:
      keys.length === 0
        ? undefined
        : { EndpointsConfig: Object.fromEntries(keys.map((key) => [networkName(project.model.networks, key), {}])) },
  });
}

export function hookCommand(hook: ServiceHook): HookCommand {
  const environment = Object.entries(hook.environment ?? {}).map(([key, value]) => `${key}=${value ?? ''}`);
  return {
    command: hook.command ?? [],
    user: hook.user,
    workingDir: hook.working_dir,
    privileged: hook.privileged ?? false,
    environment: environment.sort(),
  };
}

/** References of images that only hooks use. */
export function hookImages(definition: Service): readonly string[] {
  return (definition.pre_start ?? []).flatMap(({ image }) => (image === undefined ? [] : [image]));
}

/** Hooks that run once for each replica are not part of docker compose either. */
export function unsupportedHooks(project: Project, service: string, definition: Service): TscomposeError[] {
  return (definition.pre_start ?? []).flatMap((hook, index) =>
    hook.per_replica === true
      ? [
          new TscomposeError({
            code: 'plan/unsupported-hook',
            message: `service "${service}" has a pre_start hook for each replica, which cannot be run`,
            facts: { service },
            hint: 'leave per_replica out: the hook runs once before the first replica starts',
            at: project.locate(['services', service, 'pre_start', index, 'per_replica']),
          }),
        ]
      : [],
  );
}
