import { TscomposeError } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import type { Records } from '../store/index.js';
import { Container } from './container.js';
import { notFound } from './errors.js';
import type { ContainerRecord } from './record.js';

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** All containers, by id and by name. */
export class Registry {
  readonly #records: Records<ContainerRecord>;
  readonly #log: Log;
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, string>();

  constructor(records: Records<ContainerRecord>, log: Log) {
    this.#records = records;
    this.#log = log;
    for (const record of records.list()) this.#enter(record);
  }

  #enter(record: ContainerRecord): Container {
    const container = new Container(record, (changed) => this.#records.put(changed.id, changed), this.#log);
    this.#byId.set(record.id, container);
    this.#byName.set(record.name, record.id);
    return container;
  }

  /** Newest first, as lists show them. */
  list(): Container[] {
    const all = [...this.#byId.values()];
    return all.sort(({ record: left }, { record: right }) =>
      left.created === right.created ? (left.id < right.id ? 1 : -1) : left.created < right.created ? 1 : -1,
    );
  }

  values(): IterableIterator<Container> {
    return this.#byId.values();
  }

  /** By full id, name with or without slash, or unique beginning of an id. */
  find(reference: string): Container | undefined {
    const exact = this.#byId.get(reference);
    if (exact !== undefined) return exact;
    const named = this.#byName.get(reference.replace(/^\//, ''));
    if (named !== undefined) return this.#byId.get(named);
    if (reference === '' || !/^[0-9a-f]+$/.test(reference)) return undefined;
    const matches = [...this.#byId.values()].filter(({ id }) => id.startsWith(reference));
    if (matches.length > 1) {
      throw new TscomposeError({
        code: 'container/ambiguous',
        message: `Multiple IDs found with provided prefix: ${reference}`,
        facts: { reference },
      });
    }
    return matches[0];
  }

  /** @throws `container/not-found`, `container/ambiguous` */
  resolve(reference: string): Container {
    const container = this.find(reference);
    if (container === undefined) throw notFound(reference);
    return container;
  }

  /** Takes a name, until `add` or `freeName`. @throws `container/invalid-name`, `container/name-in-use` */
  takeName(name: string, id: string): void {
    if (!namePattern.test(name)) {
      throw new TscomposeError({
        code: 'container/invalid-name',
        message: `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
        facts: { name },
      });
    }
    const holder = this.#byName.get(name);
    if (holder !== undefined && holder !== id) {
      throw new TscomposeError({
        code: 'container/name-in-use',
        message:
          `Conflict. The container name "/${name}" is already in use by container "${holder}". ` +
          'You have to remove (or rename) that container to be able to reuse that name.',
        facts: { name, containerId: holder },
      });
    }
    this.#byName.set(name, id);
  }

  freeName(name: string, id: string): void {
    if (this.#byName.get(name) === id) this.#byName.delete(name);
  }

  hasName(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Writes the record first. The name must have been taken. */
  async add(record: ContainerRecord): Promise<Container> {
    await this.#records.put(record.id, record);
    return this.#enter(record);
  }

  /** Forgets a container whose files are gone. */
  async remove({ id, record }: Container): Promise<void> {
    await this.#records.delete(id);
    this.#byId.delete(id);
    this.freeName(record.name, id);
  }
}
