import { dirname, isAbsolute, join } from 'node:path';
import { relativeDirectory, readDocuments, type LoadContext } from './documents.js';
import { mergeFiles, mergeService } from './merge.js';
import { child, emptyMap, isMap, isNull, map, textOf, withMember, type MapNode, type Node } from './node.js';
import { resolvePaths } from './paths.js';
import { applyResets } from './reset.js';
import { toCanonical } from './canonical.js';
import { keepLastDefinitions } from './unicity.js';
import { locationOf } from './source-text.js';
import { didYouMean } from './suggest.js';

type Resets = readonly (readonly string[])[];

interface ServiceRef {
  readonly file: string;
  readonly service: string;
}

/** Follows `extends` of every service of a document (Compose Specification, "extends"). */
export function applyExtends(root: MapNode, resets: Resets, file: string, context: LoadContext): MapNode {
  const section = child(root, 'services');
  if (!isMap(section)) return root;
  if (![...section.entries.values()].some((service) => child(service, 'extends') !== undefined)) return root;
  const services = new Map(section.entries);
  const extender = new Extender(context);
  for (const name of section.entries.keys()) extender.resolve({ file, service: name }, services, resets, []);
  return withMember(root, 'services', map(services, section));
}

class Extender {
  readonly #context: LoadContext;

  constructor(context: LoadContext) {
    this.#context = context;
  }

  /** Replaces `services[ref.service]` by its full form and returns it; undefined when it cannot be had. */
  resolve(
    ref: ServiceRef,
    services: Map<string, Node>,
    resets: Resets,
    chain: readonly ServiceRef[],
  ): Node | undefined {
    const service = services.get(ref.service);
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
        at: locationOf(extend.at),
      });
      services.set(ref.service, own);
      return own;
    }
    const base = this.#base(ref, extend, services, resets, [...chain, ref]);
    if (isNull(base?.node)) {
      // Nothing to build upon; docker compose then shows the extends as it stands.
      services.set(ref.service, service);
      return service;
    }
    // A base that is no mapping is a problem of its own file's.
    const merged =
      base !== undefined && isMap(base.node)
        ? mergeService(reset(base.node, ref.service, base.resets), own, ref.service, this.#context.problems)
        : own;
    const full = { ...withMember(merged, 'extends', undefined), key: service.key, at: service.at };
    services.set(ref.service, full);
    return full;
  }

  #base(
    ref: ServiceRef,
    extend: Node,
    services: Map<string, Node>,
    resets: Resets,
    chain: readonly ServiceRef[],
  ): { readonly node: Node | undefined; readonly resets: Resets } | undefined {
    const target = textOf(extend) === undefined ? child(extend, 'service') : extend;
    const name = textOf(target);
    if (name === undefined) return undefined; // the schema says so
    const fileNode = child(extend, 'file');
    const path = textOf(fileNode);
    if (fileNode === undefined || path === undefined) {
      if (!services.has(name)) {
        this.#missing(ref, name, target, services, undefined);
        return undefined;
      }
      return { node: this.resolve({ file: ref.file, service: name }, services, resets, chain), resets };
    }
    const other = this.#file(ref, path, fileNode);
    if (other === undefined) return undefined;
    if (!other.services.has(name)) {
      this.#missing(ref, name, target, other.services, path);
      return undefined;
    }
    const all = [...resets, ...other.resets];
    return { node: this.resolve({ file: other.file, service: name }, other.services, all, chain), resets: all };
  }

  /** Services of another file in canonical form, their paths relative to the project of this one. */
  #file(
    ref: ServiceRef,
    path: string,
    from: Node,
  ): { readonly file: string; readonly services: Map<string, Node>; readonly resets: Resets } | undefined {
    const { directory, problems } = this.#context;
    const file = isAbsolute(path) ? path : join(directory, path);
    const documents = readDocuments(file, this.#context, from.at);
    if (documents === undefined) return undefined;
    let model = emptyMap();
    let resets: Resets = [];
    for (const document of documents) {
      if (!isMap(document.root)) continue;
      model = applyResets(model, document.resets) as MapNode;
      model = mergeFiles(model, document.root, problems);
      resets = document.resets;
      model = toCanonical(keepLastDefinitions(model) as MapNode, this.#context.canonical);
    }
    model = resolvePaths(model, { directory: relativeDirectory(directory, dirname(file)), home: this.#context.home });
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
    return { file, services: new Map(section.entries), resets };
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
