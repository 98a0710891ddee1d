import { isFlow, listOf, mapOf, member, mergedInto, endOf, scalarText, type MapNode, type Member } from './tree.js';
import { indented } from './sheet.js';
import type { Migration } from './changes.js';
import type { Document } from 'yaml';

/** What the keys of a service depend on elsewhere in the file. */
export interface ServiceSetting {
  readonly document: Document.Parsed;
  readonly format: 'first' | 'later';
  readonly serviceNames: ReadonlySet<string>;
  /** One step of indentation. */
  readonly step: string;
}

/** Brings the keys of a service that the format no longer has into today's form. */
export function migrateService(path: string, service: MapNode, setting: ServiceSetting, migration: Migration): void {
  shareNetwork(path, service, setting, migration);
  if (setting.format === 'first') nameContainers(path, service, setting, migration);
  moveLogging(path, service, setting, migration);
  moveDockerfile(path, service, setting, migration);
  noteExtends(path, service, setting, migration);
}

/** `net` → `network_mode`; `container:` used to mean a service where there was one of that name. */
function shareNetwork(path: string, service: MapNode, { serviceNames }: ServiceSetting, migration: Migration): void {
  const net = member(service, 'net');
  if (net === undefined) return;
  migration.sheet.replace(...net.at, 'network_mode');
  migration.changed(`${path}.net → network_mode`, 'the key has another name since format 2', net.at);
  const [, shared = ''] = /^container:(.+)$/.exec(scalarText(net.value) ?? '') ?? [];
  if (net.value === null || !serviceNames.has(shared)) return;
  const at = migration.sheet.text.indexOf('container:', net.value.range[0]);
  migration.sheet.replace(at, at + 'container:'.length, 'service:');
  migration.changed(`${path}.net "container:${shared}" → "service:${shared}"`, `${shared} is a service of this file`, [
    at,
    net.value.range[1],
  ]);
}

/** `volumes_from: [name]` could name a container; today that needs `container:`. */
function nameContainers(path: string, service: MapNode, { serviceNames }: ServiceSetting, migration: Migration): void {
  for (const item of listOf(member(service, 'volumes_from')?.value)) {
    const text = scalarText(item) ?? '';
    const name = text.replace(/:(?:ro|rw)$/, '');
    if (name === '' || name.includes(':') || serviceNames.has(name)) continue;
    const at = migration.sheet.text.indexOf(name, item.range[0]);
    migration.sheet.insert(at, 'container:');
    const why = 'it is no service of this file, so it is a container';
    migration.changed(`${path}.volumes_from "${text}" → "container:${text}"`, why, [at, item.range[1]]);
  }
}

/** `log_driver` and `log_opt` → `logging`. */
function moveLogging(path: string, service: MapNode, { step }: ServiceSetting, migration: Migration): void {
  const parts = [member(service, 'log_driver'), member(service, 'log_opt')].filter((part) => part !== undefined);
  const [first] = parts.toSorted((a, b) => a.at[0] - b.at[0]);
  if (first === undefined) return;
  const newName = (part: Member): string => (part.key === 'log_driver' ? 'driver' : 'options');
  if (member(service, 'logging') !== undefined) {
    for (const part of parts)
      migration.note(`${path}.${part.key}`, 'there is a logging section too: merge it by hand', part.at);
    return;
  }
  for (const part of parts) {
    const what = `${path}.${part.key} → logging.${newName(part)}`;
    migration.changed(what, 'logging is a section since format 2', part.at);
    migration.sheet.replace(...part.at, newName(part));
  }
  nest('logging', parts, first, service, step, migration);
}

/** `dockerfile` → `build.dockerfile`. */
function moveDockerfile(path: string, service: MapNode, setting: ServiceSetting, migration: Migration): void {
  const dockerfile = member(service, 'dockerfile');
  if (dockerfile === undefined) return;
  const { sheet } = migration;
  migration.changed(`${path}.dockerfile → build.dockerfile`, 'build is a section since format 2', dockerfile.at);
  const build = member(service, 'build');
  if (build === undefined) {
    const inherited = mergedInto(service, setting.document).flatMap((base) => member(base, 'build') ?? []);
    const context = scalarText(inherited[0]?.value);
    if (context !== undefined) sheet.insert(dockerfile.at[0], contextBefore(service, context, dockerfile, migration));
    nest('build', [dockerfile], dockerfile, service, setting.step, migration);
    return;
  }
  const section = mapOf(build.value);
  if (section === undefined) {
    sheet.replace(...build.at, 'context');
    nest('build', [build, dockerfile], build, service, setting.step, migration);
  } else if (isFlow(service) || isFlow(section)) {
    const text = sheet.slice(dockerfile.at[0], endOf(dockerfile, sheet.text));
    removeMember(service, dockerfile, migration);
    sheet.insert(section.range[1] - 1, section.items.length === 0 ? text : `, ${text}`);
  } else {
    const [inner] = section.items;
    const indentation = inner === undefined ? '' : sheet.indentation(inner.key.range[0]);
    const lines = migration.cutLines(dockerfile).replace(/^ */, indentation);
    sheet.insert(migration.behind(build), lines);
  }
}

function contextBefore(service: MapNode, context: string, { at }: Member, { sheet }: Migration): string {
  const text = `context: ${JSON.stringify(context)}`;
  return isFlow(service) ? `${text}, ` : `${text}${sheet.lineBreak}${sheet.indentation(at[0])}`;
}

/** Puts members into a new section that takes the place of `first`, comments and all. */
function nest(
  section: string,
  parts: readonly Member[],
  first: Member,
  service: MapNode,
  step: string,
  migration: Migration,
): void {
  const { sheet } = migration;
  if (isFlow(service)) {
    const texts = parts.map((part) => sheet.slice(part.at[0], endOf(part, sheet.text)));
    for (const part of parts) if (part !== first) removeMember(service, part, migration);
    sheet.replace(first.at[0], endOf(first, sheet.text), `${section}: {${texts.join(', ')}}`);
    return;
  }
  const place = sheet.lineStart(first.at[0]);
  const indentation = sheet.indentation(first.at[0]);
  const lines = parts.map((part) => {
    const range = part === first ? migration.linesOf(part) : migration.linesWithComments(part);
    return indented(migration.cutLines(part, range), step);
  });
  sheet.insert(place, `${indentation}${section}:${sheet.lineBreak}${lines.join('')}`);
}

/** Takes a member and one comma out of a mapping in braces, or its lines out of any other. */
export function removeMember(owner: MapNode, gone: Member, migration: Migration): void {
  const { sheet } = migration;
  if (!isFlow(owner)) {
    migration.cutLines(gone);
    return;
  }
  const end = endOf(gone, sheet.text);
  // The blank before a comment stays with it.
  const [comma = ''] = /^\s*,(?:\s*(?![\s#]))?/.exec(sheet.text.slice(end)) ?? [];
  if (comma !== '') sheet.cut(gone.at[0], end + comma.length);
  else {
    const [before = ''] = /(?:,\s*|[ \t]*)$/.exec(sheet.text.slice(0, gone.at[0])) ?? [];
    sheet.cut(gone.at[0] - before.length, end);
  }
}

function noteExtends(path: string, service: MapNode, { format }: ServiceSetting, migration: Migration): void {
  const extended = member(service, 'extends');
  const file = member(mapOf(extended?.value), 'file');
  if (format !== 'first' || extended === undefined || file === undefined) return;
  const name = scalarText(file.value) ?? 'the other file';
  migration.note(`${path}.extends.file`, `migrate ${name} too: both files must have the same format`, file.at);
}
