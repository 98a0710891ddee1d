import { parseAllDocuments, type Document } from 'yaml';
import { TscomposeError } from '../../base/errors.js';
import { Problems } from '../problems.js';
import { parseYaml } from '../read-yaml.js';
import { currentSchema, validateSchema } from '../schema.js';
import { SourceText } from '../source-text.js';
import { isMap as isMapping } from '../node.js';
import { serviceKeys } from '../first-format.js';
import { Migration, type Change } from './changes.js';
import { giveDriver, migrateExternal, namedVolumes, takeVolumeDriver } from './resources.js';
import { migrateService, removeMember, type ServiceSetting } from './service.js';
import { indented, Sheet } from './sheet.js';
import { endOf, isFlow, mapOf, member, membersOf, mergedInto, resolved, scalarText, type MapNode } from './tree.js';

export interface MigratedFile {
  /** The project in today's format; the very text given when there is nothing to change. */
  readonly text: string;
  /** `1`, a stated version, or undefined for a file that states none. */
  readonly from: string | undefined;
  readonly changes: readonly Change[];
  /** What today's format refuses in the new text all the same; positions are those of the new text. */
  readonly remaining: readonly TscomposeError[];
}

/**
 * Brings a compose file of any version into today's format. Only what must change is touched: comments, order, quotes
 * and layout stay.
 * @throws `compose/yaml-syntax` and the like for what is no YAML
 */
export function migrateFile(file: string, text: string): MigratedFile {
  const source = new SourceText(file, text);
  const problems = new Problems();
  parseYaml(source, problems);
  problems.throwIfAny();
  const migration = new Migration(new Sheet(text), source);
  const documents = parse(text);
  const outcomes = documents.map((document) => migrateDocument(document, migration));
  const { format: from, finish } = outcomes.findLast(({ format }) => format !== undefined) ?? unchanged;
  const finished = finish(migration.sheet.render());
  const changes = migration.changes.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  return { text: finished, from, changes, remaining: refused(file, finished) };
}

function parse(text: string): readonly Document.Parsed[] {
  const parsed = parseAllDocuments(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    logLevel: 'silent',
    prettyErrors: false,
  });
  return Array.isArray(parsed) ? parsed : [];
}

interface Outcome {
  /** The format the document is in, where it says so. */
  readonly format: string | undefined;
  /** What is left to do to the text once all edits are made. */
  readonly finish: (text: string) => string;
}

const unchanged: Outcome = { format: undefined, finish: (text) => text };

/** Notes the edits for one document. */
function migrateDocument(document: Document.Parsed, migration: Migration): Outcome {
  const root = mapOf(document.contents);
  if (root === undefined) return unchanged;
  const first = isFirstFormat(root, document);
  const services = first ? root : resolved(member(root, 'services')?.value, document);
  const setting: ServiceSetting = {
    document,
    format: first ? 'first' : 'later',
    serviceNames: new Set(services === undefined ? [] : membersOf(services).map(({ key }) => key)),
    step: stepOf(root, migration.sheet),
  };
  const stated = first ? undefined : dropVersion(root, migration);
  const drivers = migrateServices(services, setting, migration);
  const volumes = resolved(member(root, 'volumes')?.value, document);
  if (first) {
    const [top] = membersOf(root);
    const why = 'services stand under a key of their own since format 2; they share the network of the project now';
    migration.changed('top level → services', why, top?.at ?? [0, 1]);
    const volumes = undeclaredVolumes(root, document, migration);
    return { format: '1', finish: (text) => underServices(text, volumes, drivers) };
  }
  for (const [name, driver] of drivers) {
    const declared = member(volumes, name);
    if (declared !== undefined) giveDriver(declared, driver, setting.step, migration);
  }
  for (const section of ['networks', 'volumes', 'configs', 'secrets']) {
    const resources = resolved(member(root, section)?.value, document);
    for (const { key, value } of resources === undefined ? [] : membersOf(resources)) {
      const resource = mapOf(value);
      if (resource !== undefined) migrateExternal(`${section}.${key}`, resource, migration);
    }
  }
  return { ...unchanged, format: stated };
}

/** @returns drivers that services ask for, by volume */
function migrateServices(
  services: MapNode | undefined,
  setting: ServiceSetting,
  migration: Migration,
): ReadonlyMap<string, string> {
  const drivers = new Map<string, string>();
  const done = new Set<MapNode>();
  const visit = (path: string, service: MapNode | undefined): void => {
    if (service === undefined || done.has(service)) return; // an anchor is changed once, where it stands
    done.add(service);
    for (const base of mergedInto(service, setting.document)) visit(path, base);
    const driver = takeVolumeDriver(path, service, migration);
    if (driver !== undefined) for (const { name } of namedVolumes(service)) drivers.set(name, driver);
    migrateService(path, service, setting, migration);
  };
  for (const { key, value } of services === undefined ? [] : membersOf(services)) {
    visit(setting.format === 'first' ? key : `services.${key}`, resolved(value, setting.document));
  }
  return drivers;
}

/** No `services`, no version, and something at the top level that looks like a service. */
function isFirstFormat(root: MapNode, document: Document.Parsed): boolean {
  const version = member(root, 'version');
  if (member(root, 'services') !== undefined || scalarText(version?.value) !== undefined) return false;
  return membersOf(root).some(({ key, value }) => {
    const service = key.startsWith('x-') ? undefined : resolved(value, document);
    return service !== undefined && membersOf(service).some((one) => serviceKeys.has(one.key));
  });
}

function dropVersion(root: MapNode, migration: Migration): string | undefined {
  const version = member(root, 'version');
  if (version === undefined) return undefined;
  const stated = scalarText(version.value) ?? '';
  migration.changed('version dropped', 'today there is one format; the key only causes a warning', version.at);
  const { text } = migration.sheet;
  const [start, end] = migration.linesOf(version);
  const comment = isFlow(root) ? -1 : text.slice(0, end).indexOf('#', endOf(version, text));
  if (comment !== -1) {
    migration.sheet.cut(start, comment); // what the comment says stays said
    return stated;
  }
  removeMember(root, version, migration);
  if (isFlow(root)) return stated;
  // A blank line behind it separated it from the rest.
  const blank = /^[ \t]*\r?\n/.exec(text.slice(end))?.[0].length ?? 0;
  const nothingAbove = /(?:^|\n)[ \t]*\r?\n$|^$/.test(text.slice(0, start));
  if (nothingAbove && blank > 0) migration.sheet.cut(end, end + blank);
  return stated;
}

/** Named volumes of the first format were the engine's own; each is declared under just that name. */
function undeclaredVolumes(root: MapNode, document: Document.Parsed, migration: Migration): readonly string[] {
  const names = new Set<string>();
  for (const { value } of membersOf(root)) {
    const service = resolved(value, document);
    for (const { name, at } of service === undefined ? [] : namedVolumes(service)) {
      if (names.has(name)) continue;
      names.add(name);
      const why = 'named volumes must be; its name on the engine stays as it was';
      migration.changed(`volumes.${name} declared`, why, at);
    }
  }
  return [...names];
}

/** The members of the top level, moved under `services`, and a section for the volumes they use. */
function underServices(text: string, volumes: readonly string[], drivers: ReadonlyMap<string, string>): string {
  const root = mapOf(parse(text)[0]?.contents);
  const [top] = root === undefined ? [] : membersOf(root);
  if (root === undefined || top === undefined) return text;
  const declarations = volumes.map((name) => {
    const driver = drivers.get(name);
    return [name, [`name: ${name}`, ...(driver === undefined ? [] : [`driver: ${JSON.stringify(driver)}`])]] as const;
  });
  if (isFlow(root)) {
    const [start, end] = root.range;
    const members = declarations.map(([name, lines]) => `${name}: {${lines.join(', ')}}`);
    const section = members.length === 0 ? '' : `, volumes: {${members.join(', ')}}`;
    return `${text.slice(0, start)}{services: ${text.slice(start, end)}${section}}${text.slice(end)}`;
  }
  const sheet = new Sheet(text);
  const { lineBreak } = sheet;
  const step = stepOf(root, sheet);
  const start = sheet.lineStart(top.at[0]);
  const section = declarations.flatMap(([name, lines]) => [
    `${step}${name}:`,
    ...lines.map((line) => step + step + line),
  ]);
  const body = `${text.slice(0, start)}services:${lineBreak}${indented(text.slice(start), step)}`;
  if (section.length === 0) return body;
  return [`${body}${body.endsWith('\n') ? '' : lineBreak}`, 'volumes:', ...section, ''].join(lineBreak);
}

/** One step of indentation, as the file has it. */
function stepOf(root: MapNode, sheet: Sheet): string {
  for (const { at, value } of membersOf(root)) {
    const inner = mapOf(value);
    const [first] = inner === undefined || isFlow(inner) ? [] : membersOf(inner);
    if (first === undefined) continue;
    const width = sheet.indentation(first.at[0]).length - sheet.indentation(at[0]).length;
    if (width > 0) return ' '.repeat(width);
  }
  return '  ';
}

function refused(file: string, text: string): readonly TscomposeError[] {
  const problems = new Problems();
  const source = new SourceText(file, text);
  for (const { root } of parseYaml(source, problems)) {
    if (isMapping(root)) validateSchema(root, currentSchema, source, problems);
  }
  return problems.all;
}
