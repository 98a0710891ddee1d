import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { loadProject, migrateFile, renderProject } from '../../../src/compose/index.js';

/** A folder of compose files: every one below it is migrated. */
const folder = process.env['TSCOMPOSE_COMPOSE_FILES'];

test.skipIf(folder === undefined)(
  'a file that loads amounts to the same project once migrated, and needs no second migration',
  async () => {
    const differing: string[] = [];
    let same = 0;
    for (const file of composeFilesBelow(folder ?? '')) {
      const text = readFileSync(file, 'utf8');
      const before = await amountOf(text, dirname(file));
      if (before === undefined) continue;
      const { text: migrated } = migrateFile(file, text);
      const again = migrateFile(file, migrated).text;
      if ((await amountOf(migrated, dirname(file))) !== before || again !== migrated) {
        differing.push(relative(folder ?? '', file));
      } else same++;
    }
    expect(differing).toEqual([]);
    expect(same, 'files that load').toBeGreaterThan(0);
  },
  600_000,
);

function composeFilesBelow(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What a text in a folder resolves to; undefined when it does not load. */
async function amountOf(text: string, directory: string): Promise<string | undefined> {
  try {
    const project = await loadProject({
      cwd: directory,
      files: ['-'],
      stdin: () => Promise.resolve(text),
      projectName: 'migrated',
      profiles: ['*'],
      environment: { HOME: '/home/user' },
      allResources: true,
    });
    return renderProject(project, { format: 'json' });
  } catch {
    return undefined; // not a project by itself: a part of one, or a faulty file
  }
}
