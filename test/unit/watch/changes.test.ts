import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Service } from '../../../src/compose/index.js';
import { Changes, watchFiles, watchRules, type ServiceChanges } from '../../../src/watch/index.js';
import { failureOf } from '../../support/failure.js';
import { folderPerTest } from '../../support/test-folder.js';
import { project } from '../../support/project.js';

let folder: string;

folderPerTest((path) => (folder = path));

const at = (path: string): string => join(folder, path);

function put(path: string, text = path): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), text);
}

type Entry = Readonly<Record<string, unknown>>;

function rulesOf(watch: readonly Entry[], more: Service = {}): ReturnType<typeof watchRules> {
  return watchRules(project({ services: { web: { image: 'x', ...more, develop: { watch } } } }), ['web']);
}

const sync = (more: Entry = {}): Entry => ({ action: 'sync', path: at('src'), target: '/app', ...more });

function taken(rules: ReturnType<typeof watchRules>, ...paths: readonly string[]): readonly ServiceChanges[] {
  const changes = new Changes(rules);
  for (const path of paths) changes.add(at(path));
  return changes.take();
}

describe('what a batch of changed paths comes to', () => {
  test('a file that is there is copied to its place below the target, one that is gone is removed', () => {
    put('src/a/b');
    expect(taken(rulesOf([sync()]), 'src/a/b', 'src/gone')).toEqual([
      {
        service: 'web',
        rebuild: false,
        restart: false,
        copy: [{ source: at('src/a/b'), target: '/app/a/b' }],
        remove: ['/app/gone'],
        exec: [],
        paths: 2,
      },
    ]);
  });

  test('a folder that is gone is removed once, with all below it', () => {
    put('src/other');
    const [web] = taken(rulesOf([sync()]), 'src/d', 'src/d/a', 'src/d/b', 'src/d.txt');
    expect(web?.remove).toEqual(['/app/d', '/app/d.txt']);
  });

  test('the target itself is never removed', () => {
    expect(taken(rulesOf([sync()]), 'src').flatMap(({ remove }) => remove)).toEqual([]);
  });

  test('nothing outside of the path of a rule matters, whatever it is called', () => {
    put('src-other/x');
    put('x');
    expect(taken(rulesOf([sync()]), 'src-other/x', 'x', 'src/../x')).toEqual([]);
  });

  test('a link is copied as a link, not followed', () => {
    put('secret');
    mkdirSync(at('src'));
    symlinkSync('../secret', at('src/link'));
    const [web] = taken(rulesOf([sync()]), 'src/link');
    expect(web?.copy).toEqual([{ source: at('src/link'), target: '/app/link' }]);
  });

  test('a relative target starts at the working directory of the service', () => {
    put('src/a');
    const [web] = taken(rulesOf([sync({ target: 'public' })], { working_dir: '/srv' }), 'src/a');
    expect(web?.copy.map(({ target }) => target)).toEqual(['/srv/public/a']);
  });

  test('a single file may be watched', () => {
    put('one.conf');
    const [web] = taken(rulesOf([sync({ path: at('one.conf'), target: '/etc/one.conf' })]), 'one.conf');
    expect(web?.copy).toEqual([{ source: at('one.conf'), target: '/etc/one.conf' }]);
  });

  test('rebuild, restart and exec are asked for by their rules', () => {
    const build = { context: folder, dockerfile: 'Dockerfile' };
    const exec = { command: ['reload'] };
    const rules = rulesOf(
      [
        { action: 'rebuild', path: at('go.mod') },
        sync({ action: 'sync+restart', path: at('conf'), target: '/conf' }),
        sync({ action: 'sync+exec', exec }),
        { action: 'restart', path: at('only') },
      ],
      { build },
    );
    for (const path of ['go.mod', 'conf/a', 'src/a', 'only/a']) put(path);
    const summary = (path: string): unknown[] =>
      taken(rules, path).map((one) => [one.rebuild, one.restart, one.exec, one.copy.map(({ target }) => target)]);
    expect(summary('go.mod')).toEqual([[true, false, [], []]]);
    expect(summary('conf/a')).toEqual([[false, true, [], ['/conf/a']]]);
    expect(summary('src/a')).toEqual([[false, false, [exec], ['/app/a']]]);
    expect(summary('only/a')).toEqual([[false, true, [], []]]);
  });
});

describe('what is left alone', () => {
  const seen = (rules: ReturnType<typeof watchRules>, ...paths: string[]): string[] => {
    for (const path of paths) put(path);
    return taken(rules, ...paths).flatMap(({ copy }) => copy.map(({ target }) => target));
  };

  test('ignore takes out, with all below', () => {
    const rules = rulesOf([sync({ ignore: ['node_modules/', '**/*.log', '!keep.log'] })]);
    expect(seen(rules, 'src/a', 'src/node_modules/x/y', 'src/deep/x.log', 'src/keep.log')).toEqual([
      '/app/a',
      '/app/keep.log',
    ]);
  });

  test('include leaves only what it names', () => {
    const rules = rulesOf([sync({ include: ['**/*.ts'], ignore: ['gen'] })]);
    expect(seen(rules, 'src/a.ts', 'src/a.js', 'src/deep/b.ts', 'src/gen/c.ts')).toEqual([
      '/app/a.ts',
      '/app/deep/b.ts',
    ]);
  });

  test('.dockerignore of the build context', () => {
    put('.dockerignore', 'src/private\n');
    const rules = rulesOf([sync()], { build: { context: folder, dockerfile: 'Dockerfile' } });
    expect(seen(rules, 'src/a', 'src/private/b')).toEqual(['/app/a']);
  });

  test('version control and what editors leave while they save', () => {
    expect(seen(rulesOf([sync()]), 'src/.git/HEAD', 'src/a~', 'src/.a.swp', 'src/4913', 'src/#a#', 'src/a')).toEqual([
      '/app/a',
    ]);
  });
});

test.each([
  ['an unknown action', { action: 'dance' }],
  ['a sync without target', { target: '' }],
  ['a rebuild of what has no build', { action: 'rebuild' }],
  ['sync+exec without a command', { action: 'sync+exec' }],
])('%s is refused', (_, more) => {
  expect(failureOf(() => rulesOf([sync(more)]))).toMatchObject({ code: 'watch/bad-rule' });
});

test('services without rules cannot be watched', () => {
  expect(failureOf(() => watchRules(project({ services: { a: { image: 'x' } } }), ['a']))).toMatchObject({
    code: 'watch/nothing-to-watch',
  });
});

describe('watching files', () => {
  async function watching(
    rules: ReturnType<typeof watchRules>,
    act: (batches: ServiceChanges[][]) => Promise<void>,
  ): Promise<void> {
    const end = new AbortController();
    const batches: ServiceChanges[][] = [];
    const watch = watchFiles(
      rules,
      (batch) => {
        batches.push([...batch]);
        return Promise.resolve();
      },
      end.signal,
    );
    await watch.opened;
    try {
      await act(batches);
    } finally {
      end.abort();
      await watch.ended.catch(() => undefined);
    }
  }

  const copied = (batches: readonly ServiceChanges[][]): Set<string> =>
    new Set(batches.flat().flatMap(({ copy }) => copy.map(({ target }) => target)));
  const removed = (batches: readonly ServiceChanges[][]): Set<string> =>
    new Set(batches.flat().flatMap(({ remove }) => remove));

  async function until(holds: () => boolean): Promise<void> {
    const end = Date.now() + 20_000;
    while (!holds()) {
      if (Date.now() > end) throw new Error('it did not happen');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  test('an initial sync brings everything that is there', async () => {
    put('src/a');
    put('src/d/b');
    await watching(rulesOf([sync({ initial_sync: true, ignore: ['d/c'] })]), async (batches) => {
      await until(() => batches.length > 0);
      expect([...copied(batches)].sort()).toEqual(['/app/a', '/app/d', '/app/d/b']);
    });
  });

  test('an atomic save is a change of the file, a rename a removal and a copy, a new folder comes with its files', async () => {
    put('src/a');
    put('src/old');
    await watching(rulesOf([sync()]), async (batches) => {
      put('src/.a.new');
      renameSync(at('src/.a.new'), at('src/a'));
      renameSync(at('src/old'), at('src/renamed'));
      put('src/fresh/deep/x');
      const wanted = ['/app/a', '/app/renamed', '/app/fresh/deep/x'];
      await until(() => wanted.every((target) => copied(batches).has(target)) && removed(batches).has('/app/old'));
      rmSync(at('src/fresh'), { recursive: true });
      await until(() => removed(batches).has('/app/fresh'));
    });
  });

  /** What the container would have: every path below the target with its content, `/` for folders, `@…` for links. */
  function mirrored(batches: ServiceChanges[][], mirror: Map<string, string>): Map<string, string> {
    for (const { copy, remove } of batches.splice(0).flat()) {
      for (const gone of remove) drop(mirror, gone);
      for (const { source, target } of copy) {
        const content = contentOf(source);
        if (content !== '/') drop(mirror, target); // as archives are unpacked
        mirror.set(target, content);
      }
    }
    return mirror;
  }

  function drop(mirror: Map<string, string>, path: string): void {
    if (mirror.get(path) === '/') {
      for (const one of [...mirror.keys()]) if (one.startsWith(`${path}/`)) mirror.delete(one);
    }
    mirror.delete(path);
  }

  function contentOf(path: string): string {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return 'gone';
    if (stats.isSymbolicLink()) return `@${readlinkSync(path)}`;
    return stats.isDirectory() ? '/' : readFileSync(path, 'utf8');
  }

  function treeOf(path: string, target: string): Map<string, string> {
    const all = readdirSync(path, { withFileTypes: true }).flatMap((entry): [string, string][] => {
      const [from, to] = [join(path, entry.name), `${target}/${entry.name}`];
      return [[to, contentOf(from)], ...(entry.isDirectory() ? treeOf(from, to) : [])];
    });
    return new Map(all);
  }

  /** Waits until what was reported comes to what is there. */
  async function untilMirrored(batches: ServiceChanges[][], mirror: Map<string, string>): Promise<void> {
    await until(() => {
      if (batches.length === 0) return false;
      const is = mirrored(batches, mirror);
      const wanted = treeOf(at('src'), '/app');
      return is.size === wanted.size && [...wanted].every(([path, content]) => is.get(path) === content);
    });
  }

  test.each([
    [
      'a second save right after the first',
      () => {
        put('src/a', '1');
        put('src/a', '2');
      },
    ],
    [
      'a folder renamed with all that is in it',
      () => {
        renameSync(at('src/d'), at('src/moved'));
      },
    ],
    [
      'a folder removed and made again at once',
      () => {
        rmSync(at('src/d'), { recursive: true });
        put('src/d/other');
      },
    ],
    [
      'a folder that takes the place of a file, and a file that of a folder',
      () => {
        rmSync(at('src/a'));
        put('src/a/b');
        rmSync(at('src/d'), { recursive: true });
        put('src/d');
      },
    ],
    [
      'a link out of the tree, and a folder in its place',
      () => {
        rmSync(at('src/link'));
        put('src/link/passwd');
        symlinkSync('/etc', at('src/other-link'));
      },
    ],
    [
      'the watched folder itself, removed and made again',
      () => {
        rmSync(at('src'), { recursive: true });
        put('src/new/x');
      },
    ],
  ])('%s', async (_, act) => {
    put('src/a');
    put('src/d/deep/x');
    symlinkSync('/etc', at('src/link'));
    await watching(rulesOf([sync()]), async (batches) => {
      const mirror = treeOf(at('src'), '/app');
      act();
      if (!existsSync(at('src/a'))) mirror.clear(); // the target itself is never removed
      await untilMirrored(batches, mirror);
      put('src/after');
      await untilMirrored(batches, mirror);
    });
  });

  test('every one of many saves that follow each other is seen', async () => {
    put('src/a');
    await watching(rulesOf([sync()]), async (batches) => {
      for (let save = 0; save < 40; save += 1) {
        put('src/a', String(save));
        await until(() => batches.splice(0).flat().length > 0);
      }
    });
  });

  test('what was not there when the watch began is watched once it is', async () => {
    await watching(rulesOf([sync({ path: at('later/src') })]), async (batches) => {
      put('later/src/x');
      await until(() => copied(batches).has('/app/x'));
      put('later/src/y');
      await until(() => copied(batches).has('/app/y'));
    });
  });

  test('a single file is followed over atomic saves', async () => {
    put('one.conf');
    await watching(rulesOf([sync({ path: at('one.conf'), target: '/etc/one.conf' })]), async (batches) => {
      for (const save of [1, 2, 3]) {
        put('one.conf.new', String(save));
        renameSync(at('one.conf.new'), at('one.conf'));
        await until(() => copied(batches.splice(0)).has('/etc/one.conf'));
      }
      put('one.conf', 'in place');
      await until(() => copied(batches).has('/etc/one.conf'));
    });
  });

  test('a burst comes in few batches, and nothing of it is lost', async () => {
    mkdirSync(at('src'));
    const count = 1_000;
    await watching(rulesOf([sync()]), async (batches) => {
      for (let index = 0; index < count; index += 1) put(`src/f${index}`);
      await until(() => copied(batches).size >= count);
      expect(batches.length).toBeLessThan(count / 5);
    });
  }, 30_000);

  // All of it in one turn of the event loop: the kernel keeps 16,384 events for us and drops the others.
  test('what the kernel had no room to tell of is found', async () => {
    mkdirSync(at('src'));
    for (let folder = 0; folder < 90; folder += 1) mkdirSync(at(`src/d${folder}`));
    const mirror = treeOf(at('src'), '/app');
    await watching(rulesOf([sync()]), async (batches) => {
      for (let index = 0; index < 9_000; index += 1) writeFileSync(at(`src/d${index % 90}/f${index}`), 'x');
      await untilMirrored(batches, mirror);
    });
  }, 60_000);
});
