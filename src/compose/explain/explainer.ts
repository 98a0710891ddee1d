import { loadProject, type LoadOptions } from '../load.js';
import type { NodePath, Project, Service } from '../model.js';
import { child, emptyMap, type Node } from '../node.js';
import { pathText } from '../problems.js';
import { Trace } from '../trace.js';
import { counterpartOf } from './counterpart.js';
import { Histories, textOfNode } from './history.js';
import { conversionAt } from './reasons.js';
import { leavesOf, memberOf, nodeOf, noSuchPath, resolvePath, type ResolvedPath } from './plain-path.js';
import { explainName } from './project-name.js';
import { serviceFileSteps } from './service-file-steps.js';
import type { Explanation, Step } from './step.js';
import { bareUse } from './variable-uses.js';

/**
 * Loads a project as the other commands do and keeps how it came to be.
 * @throws as `loadProject`
 */
export async function traceProject(options: LoadOptions): Promise<Explainer> {
  const trace = new Trace();
  const project = await loadProject({ ...options, trace });
  return new Explainer(project, trace, options);
}

/** Answers where values of one loaded project come from. */
export class Explainer {
  readonly project: Project;
  readonly #trace: Trace;
  readonly #options: LoadOptions;
  readonly #histories: Histories;
  /** What `config` shows, with what it leaves out: disabled services and unused resources. */
  readonly #plain: Readonly<Record<string, unknown>>;
  readonly #plainNode: Node;

  constructor(project: Project, trace: Trace, options: LoadOptions) {
    this.project = project;
    this.#trace = trace;
    this.#options = options;
    this.#histories = new Histories(trace);
    this.#plain = everythingOf(project);
    this.#plainNode = nodeOf(this.#plain);
  }

  /**
   * Explains the value at a path; a mapping or list gives one explanation for each value within.
   * @param text - as `services.web.ports[0].published`; empty for the whole project
   * @throws `compose/no-such-path`
   */
  explain(text: string): readonly Explanation[] {
    const found = resolvePath(this.#plain, text);
    if (found.left !== '') return this.#explainFolded(text, found);
    return leavesOf(found.value, found.path).map(({ path, value }) => ({
      path: pathText(path),
      value,
      steps: tidy([...this.#stepsTo(path, value), ...this.#notes(path)], path),
    }));
  }

  /** Everything variables and files may bring, for a mask. */
  *secretCandidates(): Iterable<readonly [string, string | undefined]> {
    for (const { environment } of this.#trace.documents) yield* environment;
    for (const { entries } of this.#trace.serviceFiles) for (const { name, value } of entries) yield [name, value];
  }

  /** Parts of the tree that become other parts in the end, such as `env_file`. */
  #explainFolded(text: string, found: ResolvedPath): readonly Explanation[] {
    const root = this.#trace.final ?? emptyMap();
    const tree = plainOf(root);
    const inTree = resolvePath(tree, text);
    if (inTree.left !== '') throw noSuchPath(text, found, this.#takenAway(text));
    return leavesOf(inTree.value, inTree.path).map(({ path, value }) => ({
      path: pathText(path),
      value,
      steps: [...(this.#histories.of({ root, path })?.steps ?? []), ...this.#notes(path)],
    }));
  }

  #stepsTo(path: NodePath, value: unknown): readonly Step[] {
    const [section, service, attribute, member] = path;
    if (section === 'name') return explainName(this.project, this.#options, this.#trace);
    if (section === 'services' && typeof service === 'string' && member !== undefined) {
      if (attribute === 'environment' || attribute === 'labels') {
        const name = String(member);
        const unset = attribute === 'environment' && value === null;
        const lookup: readonly Step[] = unset ? [{ kind: 'looked-up', use: bareUse(name, this.#layers()) }] : [];
        const own = [...this.#treeSteps(path), ...lookup];
        return serviceFileSteps({ service, attribute, name, own, trace: this.#trace, layers: this.#layers() });
      }
      if (attribute === 'deploy' && member === 'replicas' && this.#scaled(service)) {
        const steps = this.#treeSteps(['services', service, 'scale']);
        return [...steps, { kind: 'note', text: 'scale is also the number of replicas' }];
      }
    }
    return this.#treeSteps(path);
  }

  /** Steps in the tree, and the last one from there to the type of the attribute. */
  #treeSteps(path: NodePath): readonly Step[] {
    const root = this.#trace.final ?? emptyMap();
    const before = counterpartOf(root, this.#plainNode, path);
    const value = textOfNode(nodeOf(valueAt(this.#plain, path)));
    if (before.kind === 'absent') return [];
    const story = this.#histories.of({ root, path: before.path });
    if (story === undefined) return [];
    const last = textOfNode(story.node);
    if (before.kind === 'short') {
      if (last === value) return story.steps;
      return [...story.steps, { kind: 'converted', before: last, value, reason: conversionAt(path) }];
    }
    const same = last === value || last.endsWith(`=${value}`) || story.node.kind !== 'scalar' || last === '<nil>';
    const plainValue = valueAt(this.#plain, path);
    if (same || typeof plainValue === 'object') return story.steps;
    return [...story.steps, { kind: 'converted', before: last, value, reason: conversionAt(path) }];
  }

  #scaled(service: string): boolean {
    const { scale, deploy } = this.project.model.services[service] ?? {};
    return scale !== undefined && deploy !== undefined;
  }

  #notes([section, name]: NodePath): readonly Step[] {
    if (typeof name !== 'string') return [];
    const disabled = section === 'services' ? this.project.disabledServices[name] : undefined;
    if (disabled !== undefined) return [this.#inactive(name, disabled)];
    const unused = memberOf(memberOf(this.project.unusedResources, String(section)), name);
    return unused === undefined ? [] : [{ kind: 'note', text: 'no enabled service uses it: config leaves it out' }];
  }

  #inactive(service: string, { profiles = [] }: Service): Step {
    const byFlag = (this.#options.profiles ?? []).length > 0;
    const use = byFlag ? undefined : bareUse('COMPOSE_PROFILES', this.#layers());
    return { kind: 'inactive', service, profiles, active: this.project.profiles, ...(use !== undefined && { use }) };
  }

  #takenAway(text: string): string | undefined {
    for (const { root } of this.#trace.documents) {
      const { path, left } = resolvePath(plainOf(root), text);
      if (left !== '') continue;
      const tag = this.#histories.tagOn(path);
      if (tag?.at !== undefined) return `${tag.tag} at ${tag.at.file}:${tag.at.line}:${tag.at.column} takes it away`;
    }
    return undefined;
  }

  #layers(): ReturnType<Trace['layersOf']> {
    const [document] = this.#trace.documents;
    return document === undefined ? [] : this.#trace.layersOf(document.environment);
  }
}

/** Joins steps that are one to a reader, and leaves out what goes without saying. */
function tidy(steps: readonly Step[], path: NodePath): readonly Step[] {
  const kept: Step[] = [];
  for (const step of steps) {
    // Members of mappings are written as lists on the way; nobody asked about those.
    if (step.kind === 'over' && step.manner === 'appended' && !path.some((one) => typeof one === 'number')) continue;
    const earlier = step.kind === 'path' ? kept.findLastIndex(({ kind }) => kind === 'path' || kind === 'literal') : -1;
    const before = kept[earlier];
    if (step.kind === 'path' && before?.kind === 'path') kept[earlier] = { ...before, value: step.value };
    else kept.push(step);
  }
  return kept;
}

function valueAt(root: unknown, path: NodePath): unknown {
  let value = root;
  for (const step of path) value = memberOf(value, step);
  return value;
}

/** `toPlain` is for schemas: this keeps the spelling of numbers. */
function plainOf(node: Node): unknown {
  if (node.kind === 'list') return node.items.map(plainOf);
  if (node.kind === 'scalar') return typeof node.value === 'bigint' ? node.value.toString() : node.value;
  const plain = Object.create(null) as Record<string, unknown>;
  for (const key of node.entries.keys()) {
    const member = child(node, key);
    if (member !== undefined) plain[key] = plainOf(member);
  }
  return plain;
}

function everythingOf(project: Project): Readonly<Record<string, unknown>> {
  const plain: Record<string, unknown> = { ...project.model };
  plain['services'] = joined(project.model.services, project.disabledServices);
  for (const [section, unused] of Object.entries(project.unusedResources)) {
    plain[section] = joined(plain[section], unused);
  }
  return plain;
}

function joined(...parts: readonly unknown[]): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, ...parts) as Record<string, unknown>;
}
