import { TscomposeError } from '../base/errors.js';
import type { Project, Service } from '../compose/index.js';
import type { DependencyEdge, ServiceGraph } from '../graph/index.js';
import type { ServiceDecision } from './decide-service.js';
import type { PlannedImages } from './images.js';
import { containerName, imageOf } from './names.js';
import type { ObservedContainer, ObservedState } from './observed-state.js';
import type { OneOff } from './one-off.js';
import type { ContainerRef } from './operation.js';
import { idOfStep } from './placeholders.js';
import { stopContainer } from './stop-container.js';
import type { PlanBuilder } from './plan-builder.js';
import type { RequestContext } from './request/context.js';
import type { Selection } from './select.js';
import type { UpOptions } from './up-options.js';

declare module '../base/errors.js' {
  interface ErrorFacts {
    /** `service` uses the namespace or volumes of a container of `other`, of which there is none. */
    'plan/nothing-to-share': { readonly service: string; readonly other: string };
  }
}

/** A container that the project has when the plan is done. */
export interface FinalContainer {
  readonly ref: ContainerRef;
  readonly number: number;
  /** Undefined for one the plan creates. */
  readonly existing: ObservedContainer | undefined;
  /** What must be done before it may start. */
  readonly ready: number[];
}

interface UpFacts {
  readonly builder: PlanBuilder;
  readonly project: Project;
  readonly graph: ServiceGraph;
  readonly observed: ObservedState;
  readonly options: UpOptions;
  readonly selection: Selection;
  readonly decisions: ReadonlyMap<string, ServiceDecision>;
  readonly images: PlannedImages;
  /** Steps that create volumes, by key. */
  readonly volumes: ReadonlyMap<string, number>;
}

/** Of a plan that only starts what is there: nothing is decided anew, fetched or made. */
export const asItIs: Pick<UpFacts, 'decisions' | 'images' | 'volumes'> = {
  decisions: new Map(),
  images: { stepOf: new Map(), hookSteps: new Map(), fetched: { pulled: [], built: [] }, uncertain: false },
  volumes: new Map(),
};

/** What the parts of `planUp` tell each other. */
export class UpState {
  readonly facts: UpFacts;
  orphanSteps: readonly number[] = [];
  /** Steps that create networks, by key. */
  readonly networkSteps = new Map<string, number>();
  /** Keys of the networks that an existing container was taken off, by id. */
  readonly detached = new Map<string, string[]>();
  /** Steps that put an existing container onto a network, by id. */
  readonly connectSteps = new Map<string, number[]>();
  /** The step that stops an existing container, by id. */
  readonly stopSteps = new Map<string, number>();
  /** Steps after which an existing container lets go of its name and ports, by id. */
  readonly removeSteps = new Map<string, number>();
  /** Step that creates the replacement, by id of the replaced. */
  readonly replacements = new Map<string, number>();
  readonly finals = new Map<string, FinalContainer[]>();

  constructor(facts: UpFacts) {
    this.facts = facts;
  }

  definition(service: string): Service {
    const definition = this.facts.project.model.services[service];
    if (definition === undefined) throw new Error(`bug: the project has no service ${service}`);
    return definition;
  }

  /** What `run` asks of this service's container. */
  oneOffOf(service: string): OneOff | undefined {
    const { oneOff } = this.facts.options;
    return oneOff?.service === service ? oneOff : undefined;
  }

  /** Final containers of a service by number; those observed, for one that is not selected. */
  finalsOf(service: string): readonly FinalContainer[] {
    const finals =
      this.finals.get(service) ??
      this.facts.observed.containers
        .filter((container) => container.service === service && !container.oneOff)
        .map((existing) => {
          const ref = { name: existing.name, service, id: existing.id };
          return { ref, number: existing.number, existing, ready: this.connectSteps.get(existing.id) ?? [] };
        });
    return [...finals].sort((a, b) => a.number - b.number);
  }

  /** Names and numbers that a service's containers have in the end. */
  replicasOf(service: string): { readonly name: string; readonly number: number }[] {
    const definition = this.definition(service);
    return this.finalsOf(service).map(({ number }) => ({
      name: containerName(this.facts.project, service, number, definition),
      number,
    }));
  }

  /** Stops an existing container once, whoever asks first. @returns steps to come after */
  stop(container: ObservedContainer, cause: string, after: Iterable<number> = []): number[] {
    const known = this.stopSteps.get(container.id);
    if (known !== undefined) return [known];
    if (!isUp(container)) return [...after];
    const { id } = container;
    const { builder, project, options } = this.facts;
    const step = stopContainer(builder, project, container, { cause, timeoutS: options.timeoutS }, [...after]);
    this.stopSteps.set(id, step);
    return [step];
  }

  /** `needed` fills with the steps whose ids a request made from `context` holds. */
  requestContext(
    service: string,
    number: number,
    replaced?: ObservedContainer,
  ): { readonly context: RequestContext; readonly needed: ReadonlySet<number> } {
    const { project, observed, images } = this.facts;
    const definition = this.definition(service);
    const image = imageOf(project, service, definition);
    const imageStep = images.stepOf.get(service);
    const needed = new Set(imageStep === undefined ? [] : [imageStep]);
    const context: RequestContext = {
      project,
      service,
      definition,
      number,
      finalName: containerName(project, service, number, definition),
      image,
      imageId: imageStep === undefined ? observed.images[image]?.id : idOfStep(imageStep),
      oneOff: this.oneOffOf(service),
      replaces: replaced?.id,
      keptVolumes: replaced === undefined ? [] : this.#anonymousVolumes(service, replaced),
      containerOf: (other) => {
        const first = this.finalsOf(other)[0]?.ref;
        if (first === undefined) throw nothingToShare(project, service, other);
        if ('id' in first) return first.id;
        needed.add(first.step);
        return idOfStep(first.step);
      },
      replicasOf: (other) => this.replicasOf(other),
    };
    return { context, needed };
  }

  /** Volumes that hang on the container to be replaced and on nothing else. */
  #anonymousVolumes(service: string, replaced: ObservedContainer): { name: string; target: string }[] {
    const { observed, options, project } = this.facts;
    if (options.renewAnonVolumes === true) return [];
    const definition = this.definition(service);
    const declared = definition.volumes ?? [];
    const inImage = observed.images[imageOf(project, service, definition)]?.volumes ?? [];
    return replaced.mounts.flatMap(({ type, name, target }) => {
      if (type !== 'volume' || name === undefined) return [];
      const mount = declared.find((volume) => volume.target === target);
      const anonymous =
        mount === undefined ? inImage.includes(target) : mount.type === 'volume' && mount.source === undefined;
      const inherited = observed.containers.some(
        (other) => other.service !== service && other.mounts.some((shared) => shared.name === name),
      );
      return anonymous && !inherited ? [{ name, target }] : [];
    });
  }
}

function nothingToShare(project: Project, service: string, other: string): TscomposeError<'plan/nothing-to-share'> {
  return new TscomposeError({
    code: 'plan/nothing-to-share',
    message: `service "${service}" shares with service "${other}", which has no container`,
    facts: { service, other },
    at: project.locate(['services', service]),
  });
}

/** A namespace that outlives its owner is no reason to restart who is in it. */
export function restartsAlong({ restartFor }: DependencyEdge, { joined }: ObservedContainer): boolean {
  return restartFor.some((source) => source !== 'network_mode' || joined === undefined);
}

export function isUp({ status }: ObservedContainer): boolean {
  return status === 'running' || status === 'restarting' || status === 'paused';
}
