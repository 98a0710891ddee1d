import { lstatSync, realpathSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';
import { child, isMap, list, mapChildren, scalar, textOf, withMember, type MapNode, type Node } from './node.js';
import { pathTable, ruleAt, stepTable, type PathTable, type TableState } from './path-table.js';

interface PathContext {
  /** What relative paths are relative to. */
  readonly directory: string;
  /** Stands for `~`; undefined leaves it alone. */
  readonly home: string | undefined;
}

type Resolve = (node: Node, context: PathContext) => Node;

const resolvers: PathTable<Resolve> = pathTable<Resolve>({
  'services.*.build.context': buildContext,
  'services.*.build.additional_contexts.*': buildContext,
  'services.*.build.ssh.*': anyPath,
  'services.*.env_file.*.path': localPath,
  'services.*.label_file.*': localPath,
  'services.*.extends.file': localPath,
  'services.*.develop.watch.*.path': watchedPath,
  'services.*.volumes.*': bindSource,
  'configs.*.file': anyPath,
  'secrets.*.file': anyPath,
  'volumes.*': bindVolume,
});

/** Makes the relative paths of a canonical tree absolute. Remote build contexts and named volumes stay. */
export function resolvePaths(root: MapNode, context: PathContext): MapNode {
  return walk(root, [resolvers], context) as MapNode;
}

function walk(node: Node, state: TableState<Resolve>, context: PathContext): Node {
  if (state.length === 0) return node;
  const resolve = ruleAt(state);
  if (resolve !== undefined) return resolve(node, context);
  return mapChildren(node, (member, key) => walk(member, stepTable(state, key), context));
}

function changeText(node: Node, change: (text: string) => string): Node {
  const text = textOf(node);
  return text === undefined ? node : scalar(change(text), node);
}

function buildContext(node: Node, context: PathContext): Node {
  return changeText(node, (text) => (isRemoteContext(text) ? text : absolute(text, context)));
}

/** A build context that is fetched or named rather than read from this machine's file system. */
function isRemoteContext(text: string): boolean {
  return /^(?:github\.com\/|git@|service:)|:\/\//.test(text);
}

function localPath(node: Node, context: PathContext): Node {
  if (node.kind === 'list')
    return list(
      node.items.map((item) => localPath(item, context)),
      node,
    );
  return changeText(node, (text) => absolute(text, context));
}

// Names a file on the engine's side, which may be a Windows machine.
function anyPath(node: Node, context: PathContext): Node {
  return changeText(node, (text) => onEngine(text, context));
}

function onEngine(text: string, context: PathContext): string {
  const expanded = expandHome(text, context);
  return expanded.startsWith('/') || isWindowsPath(expanded) ? expanded : joinClean(context.directory, expanded);
}

function absolute(text: string, context: PathContext): string {
  const expanded = expandHome(text, context);
  return expanded === '' || expanded.startsWith('/') ? expanded : joinClean(context.directory, expanded);
}

function watchedPath(node: Node, context: PathContext): Node {
  return changeText(node, (text) => withoutLinks(absolute(text, context)));
}

// The first link on the way is replaced by what it finally points to; watching follows files, not links.
function withoutLinks(path: string): string {
  let current = '';
  for (const part of path.split(sep).filter((step) => step !== '')) {
    current += sep + part;
    try {
      if (lstatSync(current).isSymbolicLink()) return path.replace(current, realpathSync(current));
    } catch {
      return path; // nothing there yet: a path may be watched before it exists
    }
  }
  return path;
}

function bindSource(node: Node, context: PathContext): Node {
  const source = child(node, 'source');
  if (!isMap(node) || source === undefined || textOf(child(node, 'type')) !== 'bind') return node;
  return withMember(node, 'source', anyPath(source, context));
}

// A volume of the local driver with `o: bind` is a bind mount in disguise.
function bindVolume(node: Node, context: PathContext): Node {
  const options = child(node, 'driver_opts');
  const device = child(options, 'device');
  if (!isMap(node) || !isMap(options) || device === undefined) return node;
  if (textOf(child(node, 'driver')) !== 'local' || textOf(child(options, 'o')) !== 'bind') return node;
  return withMember(node, 'driver_opts', withMember(options, 'device', anyPath(device, context)));
}

function expandHome(text: string, context: PathContext): string {
  return text.startsWith('~') && context.home !== undefined ? joinClean(context.home, text.slice(1)) : text;
}

function joinClean(directory: string, path: string): string {
  return cleanPath(join(directory, path));
}

/** The path without `.`, `..` and doubled or trailing slashes, by its text alone. */
export function cleanPath(path: string): string {
  if (path === '') return '';
  const clean = normalize(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

function isWindowsPath(path: string): boolean {
  return /^(?:[a-zA-Z]:[\\/]|[\\/]{2}[^\\/.][^\\/]*[\\/][^\\/.][^\\/]*[\\/])/.test(path);
}
