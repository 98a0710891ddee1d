import type { FileSpec } from './lab.js';

/** One form of the Dockerfile language: what is built, and where to look at the result. */
export interface Case {
  readonly name: string;
  readonly dockerfile: readonly string[];
  readonly files?: Record<string, FileSpec>;
  readonly args?: Record<string, string | null>;
  readonly labels?: Record<string, string>;
  readonly target?: string;
  /** Below this the files are compared; `/o` unless told. */
  readonly look?: string;
  /** The message, where it has to fail. */
  readonly fails?: string;
  /** Why the classic builder cannot be compared with. */
  readonly notOnPeer?: string;
}

const needsBuildKit = 'the classic builder has it only with BuildKit';

const files: Record<string, FileSpec> = {
  'a.txt': { content: 'a', mtime: 1_600_000_000 },
  'b.txt': { content: 'b', mode: 0o755, uid: 7, gid: 8 },
  '[c].txt': 'c',
  'with blank': 'w',
  link: { link: 'a.txt' },
  out: { link: '../../outside' },
  'd/one': { content: '1', mode: 0o640 },
  'd/l': { link: 'one' },
  'd/abs': { link: '/etc/passwd' },
  'd/sub/': { mode: 0o700 },
  'd/sub/two': '2',
  'd/sub/deep/three': '3',
  'lib/z': 'z',
  'e/one': 'other 1',
};

export const cases: readonly Case[] = [
  // FROM and stages
  { name: 'FROM alone is the image itself', dockerfile: ['FROM busybox'], look: '/root' },
  { name: 'FROM scratch', dockerfile: ['FROM scratch', 'COPY a.txt /o/a.txt'], files },
  {
    name: 'FROM with ARG',
    dockerfile: ['ARG I=nope', 'FROM $I', 'RUN mkdir /o && echo $I > /o/i'],
    args: { I: 'busybox' },
  },
  {
    name: 'FROM with a default of ARG',
    dockerfile: ['ARG I=busybox', 'ARG T=latest', 'FROM ${I}:${T}', 'ARG I', 'RUN mkdir /o && echo $I-$T > /o/i'],
  },
  {
    name: 'stages by name, by number and as a base',
    dockerfile: [
      'FROM busybox AS one',
      'ENV A=1',
      'WORKDIR /o',
      'RUN echo first > f',
      'FROM one AS Two',
      'RUN echo $A > g',
      'FROM busybox',
      'COPY --from=one /o/f /o/named',
      'COPY --from=1 /o/ /o/numbered/',
      'COPY --from=two /o/g /o/x/',
    ],
  },
  {
    name: 'a target',
    dockerfile: ['FROM busybox AS a', 'RUN mkdir /o', 'FROM a AS b', 'RUN touch /o/b', 'FROM nosuch'],
    target: 'b',
  },
  { name: 'COPY --from an image', dockerfile: ['FROM scratch', 'COPY --from=busybox /etc/passwd /o/'] },
  // RUN
  {
    name: 'RUN in both forms',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o && echo "a $HOME" > /o/shell',
      'RUN ["sh", "-c", "echo $0 > /o/exec", "zero"]',
    ],
  },
  {
    name: 'RUN removes what lies below',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir -p /o/d && touch /o/d/a /o/d/b',
      'RUN rm /o/d/a && rm -r /tmp',
      'RUN rm -r /o/d && mkdir /o/d && touch /o/d/c',
    ],
  },
  {
    name: 'RUN sees arguments',
    dockerfile: [
      'FROM busybox',
      'ARG A',
      'ARG B=b',
      'ENV C=c',
      'ARG C=arg',
      'RUN mkdir /o && echo "$A $B $C $HTTP_PROXY" > /o/v',
    ],
    args: { A: 'given', HTTP_PROXY: 'p' },
  },
  {
    name: 'RUN as a user in a directory',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir -m 777 /o',
      'USER alice',
      'WORKDIR /o',
      'RUN id -un > id; id -g >> id; pwd > pwd; echo $HOME > home',
    ],
  },
  {
    name: 'RUN as a number',
    dockerfile: ['FROM busybox', 'RUN mkdir -m 777 /o', 'USER 1234:50', 'RUN (id -u; id -g) > /o/id'],
  },
  {
    name: 'RUN that fails',
    dockerfile: ['FROM busybox', 'RUN echo some words; exit 7'],
    fails: "The command '/bin/sh -c echo some words; exit 7' returned a non-zero code: 7",
  },
  {
    name: 'RUN in exec form that fails',
    dockerfile: ['FROM busybox', 'RUN ["sh", "-c", "exit 3"]'],
    fails: "The command 'sh -c exit 3' returned a non-zero code: 3",
  },
  {
    name: 'SHELL',
    dockerfile: [
      'FROM busybox',
      'SHELL ["/bin/sh", "-ec"]',
      'RUN mkdir /o; false || echo $- > /o/flags',
      'CMD x',
      'ENTRYPOINT y',
    ],
  },
  {
    name: 'RUN keeps special files and modes',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o && cd /o && mkfifo p && ln -s x l && touch f && ln f h && chmod 4755 f && chown 5:6 f && mkdir -m 1777 d',
    ],
  },
  // COPY
  { name: 'COPY a file to a name', dockerfile: ['FROM busybox', 'COPY a.txt /o/x/y'], files },
  { name: 'COPY a file into a directory', dockerfile: ['FROM busybox', 'COPY a.txt b.txt /o/'], files },
  { name: 'COPY a file onto a directory', dockerfile: ['FROM busybox', 'RUN mkdir -m 750 /o', 'COPY a.txt /o'], files },
  { name: 'COPY the content of a directory', dockerfile: ['FROM busybox', 'COPY d /o'], files },
  { name: 'COPY directories over each other', dockerfile: ['FROM busybox', 'COPY d e lib /o/'], files },
  {
    name: 'COPY into what is there',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir -p /o/f/sub /o/t && ln -s t /o/lib && ln -s t/zz /o/a.txt && chmod 500 /o/f && chmod 711 /o/f/sub && chown 3:4 /o/f/sub',
      'COPY d /o/f',
      'COPY a.txt /o/a.txt',
      'COPY . /o/',
    ],
    files: { ...files, '.dockerignore': 'Dockerfile' },
  },
  {
    name: 'COPY over files of another kind',
    dockerfile: ['FROM busybox', 'RUN mkdir -p /o/one/x /o/sub && touch /o/l', 'COPY d /o'],
    files,
  },
  {
    name: 'COPY through a link in the destination',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir -p /o/real && ln -s /o/real /way && ln -s ../../../../../o /up',
      'COPY a.txt /way/in/',
      'COPY b.txt /up/',
    ],
    files,
  },
  { name: 'COPY a link', dockerfile: ['FROM busybox', 'COPY link /o/l'], files },
  { name: 'COPY with wildcards', dockerfile: ['FROM busybox', 'COPY ?.txt d/[ol]* [l]ib /o/'], files },
  { name: 'COPY of a name with brackets', dockerfile: ['FROM busybox', 'COPY [[]c].txt /o/'], files },
  {
    name: 'COPY in JSON form',
    dockerfile: ['FROM busybox', 'COPY ["with blank", "a.txt", "/o/dir with blank/"]'],
    files,
  },
  {
    name: 'COPY --chown by name and number',
    dockerfile: [
      'FROM busybox',
      'COPY --chown=alice:staff d /o/n/m/',
      'COPY --chown=alice a.txt /o/a',
      'COPY --chown=5 a.txt /o/b',
      'COPY --chown=5:bin a.txt /o/c',
      'COPY --chown=7:8 a.txt /o/p/q/a',
    ],
    files,
  },
  {
    name: 'COPY --chmod',
    dockerfile: ['FROM busybox', 'COPY --chmod=640 d /o/', 'COPY --chmod=u=rwx,go=rX a.txt /o/sym'],
    files,
    notOnPeer: needsBuildKit,
  },
  {
    name: 'COPY --exclude',
    dockerfile: ['FROM busybox', 'COPY --exclude=sub/deep --exclude=l d /o/'],
    files,
    notOnPeer: needsBuildKit,
  },
  {
    name: 'COPY --parents',
    dockerfile: ['FROM busybox', 'COPY --parents d/sub/two d/./sub/deep e /o/'],
    files,
    notOnPeer: needsBuildKit,
  },
  {
    name: 'COPY relative to WORKDIR',
    dockerfile: ['FROM busybox', 'WORKDIR /o', 'COPY a.txt .', 'COPY b.txt ./', 'COPY d/one sub', 'COPY lib x/'],
    files,
  },
  {
    name: 'COPY with variables',
    dockerfile: ['FROM busybox', 'ENV S=a D=/o/d', 'ARG E=txt', 'COPY ${S}.$E $D/'],
    files,
  },
  {
    name: 'COPY --from keeps owners',
    dockerfile: [
      'FROM busybox AS s',
      'RUN mkdir -p /q/r && echo 1 > /q/a && chown -R 5:6 /q && chmod 2750 /q/r && ln -s /q/a /q/l',
      'FROM busybox',
      'COPY --from=s /q /o/',
      'COPY --from=s /q/l /o/b/c',
      'COPY --from=s --chown=9:9 /q/a /o/d/',
    ],
  },
  {
    name: 'COPY of what is not there',
    dockerfile: ['FROM busybox', 'COPY nope /o/'],
    files,
    fails: 'COPY failed: file not found in build context or excluded by .dockerignore: stat nope: file does not exist',
  },
  {
    name: 'COPY of a link out of the context',
    dockerfile: ['FROM busybox', 'COPY out /o/'],
    files,
    fails: 'COPY failed: file not found in build context or excluded by .dockerignore: stat out: file does not exist',
  },
  {
    name: 'COPY from above the context',
    dockerfile: ['FROM busybox', 'COPY ../x /o/'],
    files,
    fails: 'COPY failed: forbidden path outside the build context: ../x ()',
  },
  {
    name: 'COPY with a wildcard that finds nothing',
    dockerfile: ['FROM busybox', 'COPY q* /o/'],
    files,
    fails: 'COPY failed: no source files were specified',
  },
  {
    name: 'COPY of several files to a name',
    dockerfile: ['FROM busybox', 'COPY a.txt b.txt /o'],
    files,
    fails: 'When using COPY with more than one source file, the destination must be a directory and end with a /',
  },
  {
    name: 'COPY --from of what is not there',
    dockerfile: ['FROM busybox AS s', 'FROM busybox', 'COPY --from=s /nope /o/'],
    fails: 'COPY failed: stat nope: file does not exist',
  },
  {
    name: 'COPY --chown of nobody known',
    dockerfile: ['FROM busybox', 'COPY --chown=bob a.txt /o/'],
    files,
    fails: "unable to convert uid/gid chown string to host mapping: can't find uid for user bob: no such user: bob",
  },
  {
    name: 'COPY of an inline file',
    dockerfile: ['FROM busybox', 'ENV V=v', 'COPY <<one <<"two" /o/', 'a $V "q"', 'one', 'b $V', 'two'],
    notOnPeer: needsBuildKit,
  },
  {
    name: 'RUN of an inline script',
    dockerfile: [
      'FROM busybox',
      'RUN <<EOF',
      'mkdir /o',
      'echo "$HOME" > /o/a',
      'EOF',
      'RUN <<EOF',
      '#!/bin/sh -e',
      'echo script $0 > /o/b',
      'EOF',
      'RUN cat <<EOF > /o/c && echo after >> /o/c',
      'text',
      'EOF',
    ],
    notOnPeer: needsBuildKit,
  },
  // .dockerignore
  {
    name: '.dockerignore',
    dockerfile: ['FROM busybox', 'COPY . /o/'],
    files: {
      ...files,
      'd/sub/': { mode: 0o755 }, // the docker CLI does not send the mode of a directory that it left out
      '.dockerignore': '# no\n*.txt\n!b.txt\nd/sub\n!d/sub/deep/three\n**/z\nDockerfile\n.dockerignore\nout\n',
    },
  },
  {
    name: '.dockerignore hides a named file',
    dockerfile: ['FROM busybox', 'COPY a.txt /o/'],
    files: { ...files, '.dockerignore': '*.txt' },
    fails: 'COPY failed: file not found in build context or excluded by .dockerignore: stat a.txt: file does not exist',
  },
  // config
  {
    name: 'every instruction of the config',
    dockerfile: [
      'FROM busybox',
      'MAINTAINER me <a@b>',
      'ARG U=alice',
      'ARG V',
      'ENV A=1 B="x y" \\',
      '  # comment',
      '  C=$U',
      'ENV D e f',
      'ENV A=2',
      'LABEL a.b="c d" e=f',
      'SHELL ["/bin/sh","-e","-c"]',
      'RUN ["echo","x y"]',
      'WORKDIR a',
      'WORKDIR b',
      'USER $U:staff',
      'EXPOSE 80 90/udp 100-102',
      'VOLUME /v "/w"',
      'VOLUME ["/x"]',
      'STOPSIGNAL SIGUSR1',
      'HEALTHCHECK --interval=5s --retries=2 CMD wget x',
      'ONBUILD RUN echo trig',
      'CMD echo cmd',
      'ENTRYPOINT ["a", "b"]',
      'COPY --chown=1:2 a.txt ./a',
      'ADD a.txt /q/',
    ],
    files,
    args: { V: 'vv', NOPE: '1' },
    labels: { l2: 'v 2', l1: '$A' },
    look: '/a',
  },
  {
    name: 'an ENTRYPOINT drops the CMD of the base, a CMD before it stays',
    dockerfile: [
      'FROM busybox AS base',
      'CMD ["old"]',
      'FROM base AS one',
      'ENTRYPOINT ["new"]',
      'FROM one',
      'CMD ["mine"]',
      'ENTRYPOINT other',
    ],
  },
  { name: 'HEALTHCHECK NONE', dockerfile: ['FROM busybox', 'HEALTHCHECK CMD ["x", "y"]', 'HEALTHCHECK NONE'] },
  {
    name: 'WORKDIR makes directories and follows links',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o && ln -s o /l',
      'WORKDIR /l/x',
      'WORKDIR ../y',
      'RUN pwd > /o/pwd',
      'ENV D=z',
      'WORKDIR $D/"q r"',
    ],
  },
  {
    name: 'files in a VOLUME stay when copied',
    dockerfile: ['FROM busybox', 'WORKDIR /o', 'VOLUME /o', 'COPY a.txt .'],
    files,
  },
  // ADD
  { name: 'ADD of plain files', dockerfile: ['FROM busybox', 'ADD d /o/', 'ADD a.txt /o/x'], files },
];
