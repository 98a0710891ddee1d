import { resolve } from 'node:path';
import type { SourceLocation } from '../base/source-location.js';
import { readEnvFile, type EnvEntry } from './environment.js';
import type { Service } from './model.js';
import { nodeAt, textOf, type Node } from './node.js';
import type { Problems } from './problems.js';
import type { ServiceFileRead, Trace } from './trace.js';

interface FileContext {
  /** Absolute; paths the load left relative start here. */
  readonly directory: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly problems: Problems;
  readonly onUnset: (variable: string, at: SourceLocation | undefined) => void;
  readonly trace?: Trace | undefined;
  readonly nameOf?: ((file: string) => string) | undefined;
}

/** Folds `env_file` into `environment` and `label_file` into `labels`; what the service says itself wins. */
export function resolveServiceFiles(
  services: Readonly<Record<string, Service>>,
  root: Node,
  context: FileContext,
): Record<string, Service> {
  const resolved = Object.create(null) as Record<string, Service>;
  for (const [name, service] of Object.entries(services)) {
    resolved[name] = resolveLabels(resolveEnvironment(service, name, root, context), name, root, context);
  }
  return resolved;
}

function resolveEnvironment(service: Service, name: string, root: Node, context: FileContext): Service {
  const { env_file: files, environment, ...rest } = service;
  if (files === undefined && environment === undefined) return service;
  const values = new Map<string, string | null>();
  for (const [index, file] of (files ?? []).entries()) {
    const from = nodeAt(root, ['services', name, 'env_file', index, 'path']);
    const path = pathOf(file) ?? textOf(from);
    if (path === undefined) continue;
    const read = readEnvFile(path === '' ? '' : resolve(context.directory, path), {
      problems: context.problems,
      onUnset: context.onUnset,
      nameOf: context.nameOf,
      onEntry: recorder({ service: name, attribute: 'env_file', file: path }, context.trace),
      from,
      optional: file.required === false,
      format: file.format,
      lookup: (key) => values.get(key) ?? context.environment.get(key),
    });
    for (const [key, value] of read) values.set(key, value);
  }
  for (const [key, value] of Object.entries(environment ?? {})) {
    values.set(key, value ?? context.environment.get(key) ?? null);
  }
  return values.size === 0 ? rest : { ...rest, environment: sorted(values) };
}

function resolveLabels(service: Service, name: string, root: Node, context: FileContext): Service {
  const { label_file: files, labels, ...rest } = service;
  if (files === undefined) return service;
  const values = new Map<string, string>();
  for (const [index, path] of files.entries()) {
    const read = readEnvFile(resolve(context.directory, path), {
      problems: context.problems,
      onUnset: context.onUnset,
      nameOf: context.nameOf,
      onEntry: recorder({ service: name, attribute: 'label_file', file: path }, context.trace),
      from: nodeAt(root, ['services', name, 'label_file', index]),
      lookup: (key) => values.get(key),
    });
    for (const [key, value] of read) values.set(key, value);
  }
  for (const [key, value] of Object.entries(labels ?? {})) values.set(key, value);
  return values.size === 0 ? rest : { ...rest, labels: sorted(values) };
}

/** Undefined where it is empty, or has the wrong type; that is reported elsewhere. */
function pathOf({ path }: { readonly path?: string }): string | undefined {
  return path;
}

function recorder(
  read: Omit<ServiceFileRead, 'entries'>,
  trace: Trace | undefined,
): ((entry: EnvEntry) => void) | undefined {
  if (trace === undefined) return undefined;
  const entries: EnvEntry[] = [];
  trace.serviceFiles.push({ ...read, entries });
  return (entry) => entries.push(entry);
}

function sorted<Value>(values: ReadonlyMap<string, Value>): Record<string, Value> {
  const plain = Object.create(null) as Record<string, Value>;
  for (const key of [...values.keys()].sort()) {
    const value = values.get(key);
    if (value !== undefined) plain[key] = value;
  }
  return plain;
}
