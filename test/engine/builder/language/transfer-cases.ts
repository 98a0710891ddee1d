import { execFileSync } from 'node:child_process';
import type { Case } from '../case.js';
import type { FileSpec } from '../lab.js';

const needsBuildKit = 'the classic builder has it only with BuildKit';
const newer = 'newer than the BuildKit of dockerd 26.1';

const files: Record<string, FileSpec> = {
  'a.txt': { content: 'a', mode: 0o640 },
  'run.sh': { content: '#!/bin/sh\n', mode: 0o755 },
  'b.txt': 'b',
  'app/package.json': '{}',
  'app/src/main.js': 'm',
  'app/src/lib/util.js': 'u',
  'lib/one/package.json': '{"one":1}',
  'lib/two/package.json': '{"two":2}',
  'lib/two/index.js': 'i',
  'archive.tar': tar(['in/x', 'in/deep/y']),
  'archive.tar.gz': tar(['gz/x'], '-z'),
  'archive.tar.bz2': tar(['bz/x'], '-j'),
  'archive.tar.xz': tar(['xz/x'], '-J'),
};

/** An archive of files that hold their own names, as latin1; owned by 12:34. */
function tar(names: readonly string[], ...flags: string[]): string {
  const script =
    'cd "$(mktemp -d)" && for f; do mkdir -p "$(dirname "$f")" && printf %s "$f" > "$f"; done && tar --owner=12 --group=34 --mtime=@1600000000 --mode=u=rwX,go=rX -c $FLAGS . && rm -r "$PWD"';
  return execFileSync('sh', ['-c', script, 'sh', ...names], {
    env: { ...process.env, FLAGS: flags.join(' ') },
  }).toString('latin1');
}

/** COPY and ADD. */
export const transferCases: readonly Case[] = [
  {
    name: 'COPY --chown in all its forms',
    dockerfile: [
      'FROM busybox',
      'COPY --chown=55:bin a.txt /o/1',
      'COPY --chown=bin a.txt /o/2',
      'COPY --chown=1 a.txt /o/3',
      'COPY --chown=10:11 a.txt /o/4',
      'COPY --chown=alice:staff a.txt /o/5',
    ],
    files,
  },
  {
    name: 'COPY --chown by a name whose group is another',
    dockerfile: [
      'FROM busybox',
      'RUN echo carol:x:88:99::/:/bin/sh >> /etc/passwd',
      'COPY --chown=carol a.txt /o/1',
      'COPY --chown=88 a.txt /o/2',
    ],
    files,
    notOnClassic: 'as BuildKit: the classic builder wants a group of that name',
  },
  {
    name: 'COPY with wildcards in directories, which need not all hold the file, and which no link leads to',
    dockerfile: [
      'FROM busybox',
      'COPY */package.json /o/1/',
      'COPY l*/*/package.json /o/2/',
      'COPY way/*/index.js /o/3/',
    ],
    files: { ...files, way: { link: 'lib' }, 'lib/three': { link: 'one' } },
    notOnClassic: 'as BuildKit: the classic builder follows links there',
  },
  {
    name: 'COPY of several files onto a directory that is there',
    dockerfile: ['FROM busybox', 'RUN mkdir /o', 'COPY a.txt b.txt /o', 'COPY app lib/one/package.json /o/new'],
    files,
    notOnClassic: 'as BuildKit: the classic builder wants a slash at the end',
  },
  {
    name: 'COPY of a source that expands to nothing takes the whole context',
    dockerfile: ['FROM busybox', 'COPY $NOTHING /o/'],
    files: { 'a.txt': 'a' },
    notOnClassic: 'as BuildKit: the classic builder takes nothing',
  },
  {
    name: 'ADD --checksum of a local file',
    dockerfile: ['FROM busybox', `ADD --checksum=sha256:${'0'.repeat(64)} a.txt /o/`],
    files,
    fails: "checksum can't be specified for non-HTTP(S) and non-git sources",
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --chown owns the directories it makes',
    dockerfile: ['FROM busybox', 'RUN mkdir /o', 'COPY --chown=5:6 app /o/a/b/', 'COPY --chown=7 a.txt /o/c/d/'],
    files,
    notOnClassic: 'as BuildKit: the classic builder leaves directories on the way to a directory to root',
  },
  {
    name: 'COPY --chmod in octal',
    dockerfile: [
      'FROM busybox',
      'COPY --chmod=751 a.txt /o/a',
      'COPY --chmod=0600 app /o/app/',
      'COPY --chmod=4755 a.txt /o/s',
    ],
    files,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --chmod in symbols',
    dockerfile: [
      'FROM busybox',
      'COPY --chmod=u=rwX,go=rX app /o/app/',
      'COPY --chmod=+x a.txt /o/x',
      'COPY --chmod=go-rwx run.sh /o/private',
      'COPY --chmod=u+s,g=u run.sh /o/s',
      'COPY --chmod=a=r a.txt /o/r',
    ],
    files,
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'COPY --chmod that is no mode',
    dockerfile: ['FROM busybox', 'COPY --chmod=99 a.txt /o/a'],
    files,
    fails: "invalid chmod parameter: '99'. it should be octal string and between 0 and 07777",
    notOnClassic: needsBuildKit,
    notOnBuildKit: 'newer than the BuildKit of dockerd 26.1, which takes no notice of it',
  },
  {
    name: 'COPY --chmod by a variable',
    dockerfile: ['FROM busybox', 'ARG MODE=711', 'COPY --chmod=$MODE a.txt /o/a'],
    files,
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'COPY --link follows links of the base and keeps its directories, as without',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir -m 700 /o && mkdir /o/real && ln -s real /o/way && chown 5:6 /o',
      'COPY --link a.txt /o/way/',
      'COPY --link app /o/',
    ],
    files,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --link with an owner by name and number',
    dockerfile: ['FROM busybox', 'COPY --link --chown=alice:staff a.txt /o/x/', 'COPY --link --chown=5:6 app /o/y/'],
    files,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --link=false is as without',
    dockerfile: ['FROM busybox', 'COPY --link=false a.txt /o/'],
    files,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --parents keeps the way, a pivot cuts it',
    dockerfile: ['FROM busybox', 'COPY --parents app/src/main.js /o/', 'COPY --parents app/./src/lib /o/p/'],
    files,
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'COPY --parents with wildcards, ** too',
    dockerfile: [
      'FROM busybox',
      'COPY --parents lib/*/package.json /o/one/',
      'COPY --parents ./**/package.json /o/two/',
    ],
    files,
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'COPY --exclude of patterns, with wildcards and **',
    dockerfile: [
      'FROM busybox',
      'COPY --exclude=*.txt --exclude=archive.* --exclude=Dockerfile . /o/a/',
      'COPY --exclude=**/package.json app lib /o/b/',
    ],
    files,
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'COPY of wildcards that match nothing, beside a file and alone',
    dockerfile: [
      'FROM busybox',
      'COPY a.txt yarn.lock* *.nope /o/',
      'COPY no* /p/',
      'RUN mkdir -p /o && ls -d /p > /o/p 2>&1 || true',
    ],
    files,
    notOnClassic: 'as BuildKit: the classic builder refuses where none of the sources matches',
  },
  {
    name: 'COPY --from a stage by number and by name in another case',
    dockerfile: [
      'FROM busybox AS Build',
      'RUN mkdir /q && echo 1 > /q/f',
      'FROM busybox',
      'COPY --from=0 /q/f /o/number',
      'COPY --from=build /q/f /o/lower',
      'COPY --from=BUILD /q/f /o/upper',
    ],
  },
  {
    name: 'COPY --from a stage with wildcards and its root',
    dockerfile: [
      'FROM scratch AS s',
      'COPY a.txt b.txt /',
      'COPY app /app/',
      'FROM busybox',
      'COPY --from=s /*.txt /o/w/',
      'COPY --from=s / /o/all/',
    ],
    files,
  },
  {
    name: 'COPY --from a named context and an image of another name',
    dockerfile: ['FROM busybox', 'COPY --from=other one/package.json /o/', 'COPY --from=img /etc/group /o/'],
    files,
    contexts: { other: 'lib', img: 'docker-image://busybox' },
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --from a named context that hides a stage',
    dockerfile: [
      'FROM busybox AS s',
      'RUN mkdir /one && echo stage > /one/package.json',
      'FROM busybox',
      'COPY --from=s one/package.json /o/',
    ],
    files,
    contexts: { s: 'lib' },
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY --from a stage that comes later',
    dockerfile: ['FROM busybox AS first', 'COPY --from=later /x /o/', 'FROM busybox AS later'],
    target: 'first',
    fails: 'invalid from flag value later',
    notOnClassic: 'the same refusal in other words',
  },
  {
    name: 'COPY --from with a number of no stage',
    dockerfile: ['FROM busybox', 'COPY --from=3 /x /o/'],
    fails: 'invalid from flag value 3: invalid stage index 3',
    notOnClassic: 'the same refusal in other words',
  },
  {
    name: 'COPY of a directory that ends with a slash or a dot',
    dockerfile: ['FROM busybox', 'COPY app/ /o/slash', 'COPY app/. /o/dot', 'COPY ./app/src/../src /o/up'],
    files,
  },
  {
    name: 'COPY to a path with dots in it',
    dockerfile: ['FROM busybox', 'WORKDIR /o/w', 'COPY a.txt ../x/./y', 'COPY b.txt ..', 'COPY b.txt /o/z/..'],
    files,
  },
  {
    name: 'COPY of heredocs: quoted, with tabs stripped, with a mode, and beside a file',
    dockerfile: [
      'FROM busybox',
      'ARG V=v',
      `COPY <<'RAW' /o/raw`,
      'a $V \\$V "q"',
      'RAW',
      'COPY --chmod=600 --chown=5:6 <<-TABS /o/tabs',
      '\tone $V',
      '\t\ttwo',
      '\tTABS',
      'COPY a.txt <<x <<y /o/d/',
      'X',
      'x',
      'Y',
      'y',
    ],
    files,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'ADD of a heredoc',
    dockerfile: ['FROM busybox', 'ADD <<f /o/', 'text', 'f'],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'COPY of a heredoc without an end',
    dockerfile: ['FROM busybox', 'COPY <<f /o/', 'text'],
    fails: 'unterminated heredoc',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'ADD unpacks archives: plain, gzip, bzip2, xz',
    dockerfile: [
      'FROM busybox',
      'ADD archive.tar archive.tar.gz /o/',
      'ADD archive.tar.bz2 /o/b',
      'ADD archive.tar.xz /o/x/',
    ],
    files,
  },
  {
    name: 'ADD --chown of an archive leaves what is in it to whom the archive says',
    dockerfile: ['FROM busybox', 'ADD --chown=5:6 archive.tar /o/'],
    files,
    notOnClassic: 'as BuildKit: the classic builder leaves the directory it makes to root',
  },
  {
    name: 'ADD --unpack=false copies the archive',
    dockerfile: ['FROM busybox', 'ADD --unpack=false archive.tar /o/', 'ADD --unpack=true archive.tar.gz /o/u/'],
    files,
    look: '/o/u',
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'COPY of an archive copies it',
    dockerfile: [
      'FROM busybox',
      'COPY archive.tar.gz /o/',
      'RUN tar -tzf /o/archive.tar.gz > /o/list && rm /o/archive.tar.gz',
    ],
    files,
  },
  {
    name: 'ADD of an archive over what is there',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir -p /o/in && echo old > /o/in/x && echo kept > /o/in/z',
      'ADD archive.tar /o',
    ],
    files,
  },
  {
    name: 'COPY without a destination',
    dockerfile: ['FROM busybox', 'COPY a.txt'],
    files,
    fails: 'COPY requires at least two arguments, but only one was provided',
  },
  {
    name: 'a flag given twice',
    dockerfile: ['FROM busybox', 'COPY --chown=1 --chown=2 a.txt /o/'],
    files,
    fails: 'duplicate flag specified: --chown',
    notOnClassic: 'the same refusal without the dashes',
  },
  {
    name: 'a flag without its value',
    dockerfile: ['FROM busybox', 'COPY --from a.txt /o/'],
    files,
    fails: 'missing a value on flag: --from',
    notOnClassic: 'the same refusal without the dashes',
  },
];
