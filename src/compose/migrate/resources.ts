import type { Migration } from './changes.js';
import { removeMember } from './service.js';
import { endOf, isFlow, listOf, mapOf, member, membersOf, scalarText, type MapNode, type Member } from './tree.js';

/** `external: {name: x}` → `external: true` and `name: x`. */
export function migrateExternal(path: string, resource: MapNode, migration: Migration): void {
  const external = member(resource, 'external');
  const inner = mapOf(external?.value);
  if (external === undefined || inner === undefined) return;
  const { sheet } = migration;
  const name = member(inner, 'name');
  const others = membersOf(inner).filter(({ key }) => key !== 'name');
  if (others.length > 0) return; // not what it should be: loading says so
  const outerName = member(resource, 'name');
  if (outerName !== undefined && scalarText(outerName.value) !== scalarText(name?.value)) {
    migration.note(`${path}.external.name`, 'there is another name beside it: keep one', external.at);
    return;
  }
  migration.changed(`${path}.external.name → name`, 'external is a switch now, the name stands beside it', external.at);
  const nameText = name === undefined ? '' : sheet.text.slice(name.at[0], endOf(name, sheet.text));
  if (isFlow(inner)) {
    const added = outerName === undefined && nameText !== '';
    const gap = isFlow(resource) ? ', ' : `${sheet.lineBreak}${sheet.indentation(external.at[0])}`;
    if (added) sheet.insert(external.at[0], `${nameText}${gap}`);
    sheet.replace(inner.range[0], inner.range[1], 'true');
    return;
  }
  sheet.insert(sheet.text.indexOf(':', external.at[1]) + 1, ' true');
  if (name === undefined) return;
  if (outerName !== undefined) migration.cutLines(name);
  else {
    const [start] = migration.linesOf(name);
    sheet.replace(start, name.at[0], sheet.indentation(external.at[0]));
  }
}

/** Named volumes a service mounts in short syntax: `data:/var/lib/data:ro` → `data`. */
export function namedVolumes(
  service: MapNode,
): readonly { readonly name: string; readonly at: readonly [number, number] }[] {
  return listOf(member(service, 'volumes')?.value).flatMap((item) => {
    const [, name] = /^([a-zA-Z0-9][\w.-]+):[^:]/.exec(scalarText(item) ?? '') ?? [];
    return name === undefined ? [] : [{ name, at: [item.range[0], item.range[1]] as const }];
  });
}

/** Takes `volume_driver` out of a service. Gives the driver, for the volumes that had it. */
export function takeVolumeDriver(path: string, service: MapNode, migration: Migration): string | undefined {
  const driver = member(service, 'volume_driver');
  if (driver === undefined) return undefined;
  const used = namedVolumes(service).map(({ name }) => name);
  const why = 'a driver belongs to a volume, not to a service';
  if (used.length > 0) migration.changed(`${path}.volume_driver → driver of ${used.join(', ')}`, why, driver.at);
  else migration.note(`${path}.volume_driver dropped`, `${why}; the service has no named volume to take it`, driver.at);
  removeMember(service, driver, migration);
  return scalarText(driver.value);
}

/** Gives a declared volume a driver, unless it has one or is made elsewhere. */
export function giveDriver(declared: Member, driver: string, step: string, migration: Migration): void {
  const { sheet } = migration;
  const section = mapOf(declared.value);
  const entry = `driver: ${JSON.stringify(driver)}`;
  if (section === undefined) {
    const indentation = `${sheet.indentation(declared.at[0])}${step}`;
    const colon = sheet.text.indexOf(':', declared.at[1]) + 1;
    sheet.insert(colon, `${sheet.lineBreak}${indentation}${entry}`);
    return;
  }
  if (member(section, 'driver') !== undefined || member(section, 'external') !== undefined) return;
  const [first] = membersOf(section);
  if (isFlow(section)) sheet.insert(section.range[0] + 1, first === undefined ? entry : `${entry}, `);
  else if (first !== undefined) {
    sheet.insert(first.at[0], `${entry}${sheet.lineBreak}${sheet.indentation(first.at[0])}`);
  }
}
