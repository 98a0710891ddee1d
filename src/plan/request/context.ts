import type { Project, Service } from '../../compose/index.js';
import type { OneOff } from '../one-off.js';

/** What a container's request is made from, besides the service itself. */
export interface RequestContext {
  readonly project: Project;
  readonly service: string;
  readonly definition: Service;
  readonly number: number;
  /** The name it has in the end. */
  readonly finalName: string;
  /** Reference of the image. */
  readonly image: string;
  /** Id of the image, or a placeholder; undefined when nobody knows it yet. */
  readonly imageId: string | undefined;
  /** Set for a container of `run`. */
  readonly oneOff: OneOff | undefined;
  /** Id of the container it replaces. */
  readonly replaces: string | undefined;
  /** Anonymous volumes of the replaced container that live on. */
  readonly keptVolumes: readonly { readonly name: string; readonly target: string }[];
  /** Id, or a placeholder, of the first container of a service. @throws Error when it has none */
  readonly containerOf: (service: string) => string;
  /** Containers that a linked service has in the end. */
  readonly replicasOf: (service: string) => readonly { readonly name: string; readonly number: number }[];
}
