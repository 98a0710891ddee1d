import type { EnvEntry } from './environment.js';
import type { NodePath } from './model.js';
import type { Node } from './node.js';
import type { SourceText } from './source-text.js';

/** A node in one tree of a load. Trees never change, so it can be looked at long after its stage is over. */
export interface TreeRef {
  readonly root: Node;
  readonly path: NodePath;
}

/** One YAML document as it was read. */
export interface ReadDocument {
  readonly root: Node;
  readonly source: SourceText;
  /** Counts the documents of the file from 0. */
  readonly index: number;
  readonly resets: readonly (readonly string[])[];
  /** The variables it is filled in with. */
  readonly environment: ReadonlyMap<string, string>;
}

/** How a stage made a tree. `over` lies over `from` where there are two. */
export type Derivation =
  | { readonly stage: 'read'; readonly document: ReadDocument }
  | { readonly stage: 'kept' | 'reset' | 'unique' | 'expanded' | 'defaults'; readonly from: TreeRef }
  | {
      readonly stage: 'filled' | 'listed' | 'normalized';
      readonly from: TreeRef;
      readonly environment: ReadonlyMap<string, string>;
    }
  | { readonly stage: 'paths'; readonly from: TreeRef; readonly directory: string }
  | { readonly stage: 'merged'; readonly from: TreeRef; readonly over: TreeRef }
  | { readonly stage: 'included'; readonly from: TreeRef; readonly over: TreeRef; readonly entry: Node }
  | {
      readonly stage: 'extended';
      readonly from: TreeRef;
      readonly over: TreeRef;
      /** The `extends` of the service. */
      readonly extend: Node;
      readonly service: string;
    };

/** A place variables come from. Where a load looks one up, the first layer that has it wins. */
export interface VariableLayer {
  readonly kind: 'project name' | 'shell' | 'env file';
  /** Path of the env file. */
  readonly file?: string;
  /** Why this env file is read. */
  readonly reason?: 'found' | '--env-file' | 'COMPOSE_ENV_FILES' | 'include';
  readonly entries: ReadonlyMap<string, LayerEntry>;
}

export type LayerEntry = Pick<EnvEntry, 'value'> & Partial<EnvEntry>;

/** An env or label file of a service. */
export interface ServiceFileRead {
  readonly service: string;
  readonly attribute: 'env_file' | 'label_file';
  readonly file: string;
  readonly entries: readonly EnvEntry[];
}

/**
 * Records how a load came to its result, for `explain`. Stages tell it which tree they made of which; trees share
 * nodes and keep their places, so this is enough to follow any value back, and a load without a trace does nothing more.
 */
export class Trace {
  readonly documents: ReadDocument[] = [];
  readonly serviceFiles: ServiceFileRead[] = [];
  readonly #derivations = new Map<Node, Derivation>();
  readonly #layers = new Map<ReadonlyMap<string, string>, readonly VariableLayer[]>();
  #final: Node | undefined;

  /** A stage that changed nothing hands back its input: that is no step. */
  made(output: Node, how: Derivation): void {
    if (('from' in how && how.from.root === output) || this.#derivations.has(output)) return;
    this.#derivations.set(output, how);
  }

  howMade(node: Node): Derivation | undefined {
    return this.#derivations.get(node);
  }

  read(document: ReadDocument): void {
    this.documents.push(document);
    this.made(document.root, { stage: 'read', document });
  }

  /** The layers an environment was put together from, the winning one first. */
  layersOf(environment: ReadonlyMap<string, string>): readonly VariableLayer[] {
    return this.#layers.get(environment) ?? [];
  }

  setLayers(environment: ReadonlyMap<string, string>, layers: readonly VariableLayer[]): void {
    this.#layers.set(environment, layers);
  }

  /** The name is known once the files are read, and then hides what was set under its variable. */
  setProjectName(environment: ReadonlyMap<string, string>, value: string): void {
    const layer: VariableLayer = { kind: 'project name', entries: new Map([['COMPOSE_PROJECT_NAME', { value }]]) };
    this.#layers.set(environment, [layer, ...this.layersOf(environment)]);
  }

  /** An environment that starts as a copy of another one and adds what is not set there. */
  addLayers(
    environment: ReadonlyMap<string, string>,
    outer: ReadonlyMap<string, string>,
    more: readonly VariableLayer[],
  ): void {
    const known = this.layersOf(outer);
    // The same file may be read again, once the folder of the project is known.
    const added = more.filter(({ file }) => !known.some((layer) => layer.file === file));
    this.#layers.set(environment, [...known, ...added]);
  }

  /** The whole project, before it becomes plain data. */
  get final(): Node | undefined {
    return this.#final;
  }

  finish(root: Node): void {
    this.#final = root;
  }
}

export function whole(root: Node): TreeRef {
  return { root, path: [] };
}

export function entriesOf(values: ReadonlyMap<string, string>): ReadonlyMap<string, LayerEntry> {
  return new Map([...values].map(([name, value]) => [name, { value }]));
}

/** Gathers what env files give and makes layers of it. */
export class LayerReader {
  readonly #files = new Map<string, Map<string, LayerEntry>>();

  readonly take = (entry: EnvEntry): void => {
    const entries = this.#files.get(entry.file) ?? new Map<string, LayerEntry>();
    this.#files.set(entry.file, entries.set(entry.name, entry));
  };

  /** Later files win over earlier ones. */
  layers(files: readonly string[], reason: VariableLayer['reason']): readonly VariableLayer[] {
    const layers = files.map((file): VariableLayer => {
      const entries = this.#files.get(file) ?? new Map<string, LayerEntry>();
      return { kind: 'env file', file, entries, ...(reason !== undefined && { reason }) };
    });
    return layers.reverse();
  }
}
