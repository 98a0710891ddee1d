import { dirname, isAbsolute, join } from 'node:path';
import { relativeDirectory, readDocuments, type LoadContext } from './documents.js';
import { mergeFiles, mergeService } from './merge.js';
import { child, emptyMap, isMap, isNull, map, textOf, withMember, type MapNode, type Node } from './node.js';
import { resolvePaths } from './paths.js';
import { pathText } from './problems.js';
import { applyResets } from './reset.js';
import { toCanonical } from './canonical.js';
import { keepLastDefinitions } from './unicity.js';
import { kindOf } from './scalar.js';
import { locationOf } from './source-text.js';
import { didYouMean } from './suggest.js';
import { whole, type TreeRef } from './trace.js';

type Resets = readonly (readonly string[])[];

/** The services of a file; they are replaced by their full form one by one. */
interface Services {
  /** The tree they come from. */
  readonly root: Node;
  readonly members: Map<string, Node>;
}

interface Base {
  readonly node: Node | undefined;
  readonly resets: Resets;
  readonly ref: TreeRef;
}

interface ServiceRef {
  readonly file: string;
  readonly service: string;
}

/** Follows `extends` of every service of a document (Compose Specification, "extends"). */
export function applyExtends(root: MapNode, resets: Resets, file: string, context: LoadContext): MapNode {
  const section = child(root, 'services');
  if (!isMap(section)) return root;
  if (![...section.entries.values()].some((service) => child(service, 'extends') !== undefined)) return root;
  const services = { root, members: new Map(section.entries) };
  const extender = new Extender(context);
  for (const name of section.entries.keys()) extender.resolve({ file, service: name }, services, resets, []);
  const extended = withMember(root, 'services', map(services.members, section));
  context.trace?.made(extended, { stage: 'kept', from: whole(root) });
  return extended;
}

/** A file whose services are extended. */
interface OtherFile {
  readonly file: string;
  readonly model: MapNode;
  /** Of `model`, as they are written. */
  readonly section: MapNode;
  readonly resets: Resets;
}

class Extender {
  readonly #context: LoadContext;
  /** By path as it is written: a file that many services extend is read once. */
  readonly #files = new Map<string, OtherFile>();

  constructor(context: LoadContext) {
    this.#context = context;
  }

  /** Replaces the service by its full form and returns it; undefined when it cannot be had. */
  resolve(ref: ServiceRef, services: Services, resets: Resets, chain: readonly ServiceRef[]): Node | undefined {
    const service = services.members.get(ref.service);
    const extend = child(service, 'extends');
    if (!isMap(service) || extend === undefined) return service;
    const own = withMember(service, 'extends', undefined);
    const cycle = chain.findIndex((seen) => seen.file === ref.file && seen.service === ref.service);
    if (cycle !== -1) {
      const names = [...chain.slice(cycle), ref].map((seen) => `${seen.service} in ${seen.file}`);
      this.#context.problems.add({
        code: 'compose/extends-cycle',
        message: `circular reference: ${names.join(' extends ')}`,
        facts: { chain: names },
        hint: 'move what they share to a third service, and let both extend that',
        at: locationOf(extend.at),
      });
      services.members.set(ref.service, own);
      return own;
    }
    const base = this.#base(ref, extend, services, resets, [...chain, ref]);
    if (isNull(base?.node)) {
      // Nothing to build upon; docker compose then shows the extends as it stands.
      services.members.set(ref.service, service);
      return service;
    }
    const merged = base !== undefined && isMap(base.node) ? this.#merge(ref, base.node, base.resets, own) : own;
    if (base?.node !== undefined && !isMap(base.node) && child(extend, 'file') !== undefined)
      this.#noMapping(base.node);
    const full = { ...withMember(merged, 'extends', undefined), key: service.key, at: service.at };
    services.members.set(ref.service, full);
    if (base !== undefined) {
      const over = { root: services.root, path: ['services', ref.service] };
      this.#context.trace?.made(full, { stage: 'extended', from: base.ref, over, extend, service: ref.service });
    }
    return full;
  }

  /** The schema sees only the services of files that are loaded themselves. */
  #noMapping(base: Node): void {
    const actual = kindOf(base);
    this.#context.problems.add({
      code: 'compose/wrong-type',
      message: `a service must be a mapping, got ${actual}`,
      facts: { path: 'services', expected: 'a mapping', actual },
      at: locationOf(base.at),
    });
  }

  #merge(ref: ServiceRef, base: MapNode, resets: Resets, own: MapNode): MapNode {
    return mergeService(reset(base, ref.service, resets), own, ref.service, this.#context.problems);
  }

  /** How the trace knows a service: full forms are trees of their own. */
  #refOf(name: string, services: Services, node: Node | undefined): TreeRef {
    return node !== undefined && this.#context.trace?.howMade(node) !== undefined
      ? whole(node)
      : { root: services.root, path: ['services', name] };
  }

  #base(
    ref: ServiceRef,
    extend: Node,
    services: Services,
    resets: Resets,
    chain: readonly ServiceRef[],
  ): Base | undefined {
    const target = textOf(extend) === undefined ? child(extend, 'service') : extend;
    const name = textOf(target);
    if (name === undefined) {
      const place = pathText(['services', ref.service, 'extends']);
      this.#context.problems.add({
        code: 'compose/missing-key',
        message: `${place} must name a service`,
        facts: { path: place, key: 'service' },
        hint: 'write extends: NAME, or a mapping with service: and perhaps file:',
        at: locationOf(extend.at ?? extend.key),
      });
      return undefined;
    }
    const fileNode = child(extend, 'file');
    const path = textOf(fileNode);
    if (fileNode === undefined || path === undefined) {
      if (!services.members.has(name)) {
        this.#missing(ref, name, target, services.members, undefined);
        return undefined;
      }
      const node = this.resolve({ file: ref.file, service: name }, services, resets, chain);
      return { node, resets, ref: this.#refOf(name, services, node) };
    }
    const other = this.#file(ref, path, fileNode);
    if (other === undefined) return undefined;
    // Full forms depend on who asks: their resets hold for them too.
    const others = { root: other.model, members: new Map(other.section.entries) };
    if (!others.members.has(name)) {
      this.#missing(ref, name, target, others.members, path);
      return undefined;
    }
    const all = [...resets, ...other.resets];
    const node = this.resolve({ file: other.file, service: name }, others, all, chain);
    return { node, resets: all, ref: this.#refOf(name, others, node) };
  }

  /** Services of another file in canonical form, their paths relative to the project of this one. */
  #file(ref: ServiceRef, path: string, from: Node): OtherFile | undefined {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const { problems } = this.#context;
    const place = this.#find(path, from);
    if (place === undefined) return undefined;
    const { file } = place;
    const documents = readDocuments(file, this.#context, from.at);
    if (documents === undefined) return undefined;
    let model = emptyMap();
    let resets: Resets = [];
    for (const document of documents) {
      if (!isMap(document.root)) continue;
      resets = document.resets;
      model = this.#addDocument(model, document.root, resets);
    }
    model = this.#place(model, place.directory);
    const section = child(model, 'services');
    if (!isMap(section)) {
      problems.add({
        code: 'compose/extends-missing',
        message: `cannot extend service "${ref.service}" with ${path}: it has no services`,
        facts: { service: ref.service, base: path },
        at: locationOf(from.at),
      });
      return undefined;
    }
    const read = { file, model, section, resets };
    this.#files.set(path, read);
    return read;
  }

  /** The file, and what its paths are relative to: in a repository elsewhere that is its root, as in docker compose. */
  #find(path: string, from: Node): { readonly file: string; readonly directory: string } | undefined {
    const { directory, remotes, problems } = this.#context;
    if (!remotes.accepts(path)) {
      const file = isAbsolute(path) ? path : join(directory, path);
      return { file, directory: dirname(file) };
    }
    const remote = remotes.find(path, problems, from);
    const [file] = remote?.files ?? [];
    return remote === undefined || file === undefined ? undefined : { file, directory: remote.root };
  }

  #addDocument(earlier: MapNode, root: MapNode, resets: Resets): MapNode {
    const { problems, canonical, trace } = this.#context;
    const base = applyResets(earlier, resets) as MapNode;
    trace?.made(base, { stage: 'reset', from: whole(earlier) });
    const merged = mergeFiles(base, root, problems);
    trace?.made(merged, { stage: 'merged', from: whole(base), over: whole(root) });
    const single = keepLastDefinitions(merged) as MapNode;
    trace?.made(single, { stage: 'unique', from: whole(merged) });
    const expanded = toCanonical(single, canonical);
    trace?.made(expanded, { stage: 'expanded', from: whole(single) });
    return expanded;
  }

  /** Paths of another file, relative to the project of this one. */
  #place(model: MapNode, from: string): MapNode {
    const { directory, home, trace } = this.#context;
    const placed = resolvePaths(model, { directory: relativeDirectory(directory, from), home });
    trace?.made(placed, { stage: 'paths', from: whole(model), directory: from });
    return placed;
  }

  #missing(
    ref: ServiceRef,
    base: string,
    at: Node | undefined,
    known: ReadonlyMap<string, Node>,
    path: string | undefined,
  ): void {
    this.#context.problems.add({
      code: 'compose/extends-missing',
      message: `cannot extend service "${ref.service}": service "${base}" not found${path === undefined ? '' : ` in ${path}`}`,
      facts: { service: ref.service, base },
      hint: didYouMean(base, known.keys()),
      at: locationOf(at?.at),
    });
  }
}

function reset(base: MapNode, name: string, resets: Resets): MapNode {
  const services = map(new Map<string, Node>([[name, base]]));
  const cleaned = applyResets(map(new Map<string, Node>([['services', services]])), resets);
  const node = child(child(cleaned, 'services'), name);
  return isMap(node) ? node : emptyMap(base);
}
