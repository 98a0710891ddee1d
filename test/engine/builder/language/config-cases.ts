import type { Case } from '../case.js';

const files = { 'a.txt': 'a' };

/** Instructions that only say something, and the shape of the file. */
export const configCases: readonly Case[] = [
  {
    name: 'instructions in lower case and mixed',
    dockerfile: ['from busybox as Base', 'run mkdir /o', 'From base', 'eNv a=1', 'copy a.txt /o/'],
    files,
  },
  { name: 'the syntax directive names no program here', dockerfile: ['# escape=\\', 'FROM busybox', 'RUN mkdir /o'] },
  {
    name: 'the check directive changes nothing in the image',
    dockerfile: ['# check=skip=JSONArgsRecommended;error=true', 'FROM busybox', 'CMD a b'],
  },
  {
    name: 'a directive given twice',
    dockerfile: ['# escape=\\', '# escape=`', 'FROM busybox'],
    fails: 'only one escape parser directive can be used',
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'an escape directive of another character',
    dockerfile: ['# escape=x', 'FROM busybox'],
    fails: "invalid escape token 'x' does not match ` or \\",
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'a directive after a comment is a comment',
    dockerfile: ['# a comment', '# escape=`', 'FROM busybox', 'RUN mkdir \\', '  /o'],
  },
  {
    name: 'blanks before instructions and comments, and lines that end in blanks',
    dockerfile: ['  # comment', '  FROM busybox', '\tRUN mkdir /o \\  ', '    && touch /o/f   '],
  },
  { name: 'a Dockerfile without an instruction', dockerfile: ['# nothing'], fails: 'file with no instructions' },
  {
    name: 'a Dockerfile without FROM',
    dockerfile: ['RUN true'],
    fails: 'no build stage in current context',
    notOnClassic: 'the same refusal without the place',
  },
  { name: 'FROM of nothing', dockerfile: ['FROM'], fails: 'FROM requires either one or three arguments' },
  {
    name: 'FROM with a name that starts with a number',
    dockerfile: ['FROM busybox AS 1st'],
    fails: 'invalid name for build stage: "1st"',
  },
  {
    name: 'FROM an argument that is empty',
    dockerfile: ['ARG X', 'FROM $X'],
    fails: 'base name ($X) should not be blank',
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'FROM scratch alone in a stage that is copied from',
    dockerfile: ['FROM scratch AS s', 'COPY a.txt /x', 'FROM busybox', 'COPY --from=s /x /o/'],
    files,
  },
  {
    name: 'two stages of one name: the later one is meant',
    dockerfile: [
      'FROM busybox AS s',
      'RUN mkdir /o && touch /o/1',
      'FROM busybox AS s',
      'RUN mkdir /o && touch /o/2',
      'FROM s',
    ],
    notOnClassic: 'it refuses a second stage of the name',
  },
  {
    name: 'LABEL: quotes, continued lines, the last one counts',
    dockerfile: ['FROM busybox', 'LABEL a="x \\', 'y" "b c"=d', 'LABEL e=\'$HOME\' f="$HOME" a=last', 'LABEL g'],
    fails: 'LABEL must have two arguments',
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'LABEL: several lines and quotes',
    dockerfile: ['FROM busybox', 'LABEL a="x \\', 'y" "b c"=d \\', '  e=f', "LABEL g='it is' a=last"],
  },
  {
    name: 'EXPOSE of a range and of both protocols',
    dockerfile: ['FROM busybox', 'EXPOSE 80/tcp 80/udp 7000-7002', 'EXPOSE 80'],
  },
  {
    name: 'EXPOSE with ports and an address of the host',
    dockerfile: ['FROM busybox', 'EXPOSE 8080:80', 'EXPOSE 127.0.0.1:8443:443/tcp'],
  },
  {
    name: 'EXPOSE of no number',
    dockerfile: ['FROM busybox', 'EXPOSE http'],
    fails: 'invalid containerPort: http',
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'USER with a group by number and by name',
    dockerfile: ['FROM busybox', 'USER alice:50', 'RUN id -u > /tmp/u && id -g >> /tmp/u', 'USER 7:staff'],
    look: '/tmp',
  },
  {
    name: 'USER as whom files are not made by COPY',
    dockerfile: ['FROM busybox', 'USER alice', 'COPY a.txt /o/'],
    files,
  },
  {
    name: 'WORKDIR is made as USER says',
    dockerfile: [
      'FROM busybox',
      'USER alice',
      'WORKDIR /o/w',
      'ADD a.txt x',
      'USER 5:staff',
      'WORKDIR /o/v/u',
      'USER 7',
      'WORKDIR ../t',
      'USER nobody-knows',
      'WORKDIR /o/s',
    ],
    files,
    notOnClassic: 'as BuildKit: the classic builder makes it as root',
  },
  {
    name: 'WORKDIR of nothing stays where it is',
    dockerfile: ['FROM busybox', 'WORKDIR /o', 'WORKDIR $NOTHING', 'RUN pwd > p'],
    notOnClassic: 'as BuildKit: the classic builder refuses',
  },
  {
    name: 'text after the JSON of an exec form does not count',
    dockerfile: [
      'FROM busybox',
      'RUN ["mkdir", "/o"] # the place',
      'COPY ["a.txt", "/o/b c"] # with a blank',
      'VOLUME ["/v"] # for later',
      'ENTRYPOINT ["sh", "-c"] # nothing',
      'CMD ["]", "[\\"x"] and so on',
    ],
    files,
  },
  {
    name: 'an exec form with something else than strings',
    dockerfile: ['FROM busybox', 'CMD ["sleep", 5]'],
    fails: 'when using JSON array syntax, arrays must be comprised of strings only',
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'ONBUILD of a stage fires where another starts from it',
    dockerfile: [
      'FROM busybox AS base',
      'ONBUILD COPY a.txt /o/',
      'ONBUILD ENV FIRED=yes',
      'ONBUILD RUN echo $FIRED >> /o/fired',
      'FROM base AS middle',
      'RUN echo middle >> /o/fired',
      'FROM middle',
      'RUN echo last >> /o/fired',
    ],
    files,
  },
  {
    name: 'RUN knows its own host by one name',
    dockerfile: ['FROM busybox', 'RUN mkdir /o && hostname > /o/name && cat /etc/hosts > /o/hosts'],
    notOnClassic: 'BuildKit has a name for it, the classic builder the id of a container',
  },
  {
    name: 'WORKDIR with variables and quotes',
    dockerfile: ['FROM busybox', 'ENV D=/o', 'WORKDIR $D/a', 'WORKDIR "b c"', 'RUN pwd > p'],
  },
  {
    name: 'VOLUME twice and with variables',
    dockerfile: ['FROM busybox', 'ENV V=/v', 'VOLUME $V /v /w', 'VOLUME ["/w", "$V/x"]'],
  },
  {
    name: 'VOLUME of nothing',
    dockerfile: ['FROM busybox', 'VOLUME [""]'],
    fails: 'VOLUME specified can not be an empty string',
  },
  {
    name: 'CMD and ENTRYPOINT emptied',
    dockerfile: ['FROM busybox', 'CMD ["x"]', 'ENTRYPOINT ["y"]', 'CMD []', 'ENTRYPOINT []'],
  },
  {
    name: 'ENTRYPOINT in exec form with CMD as its arguments',
    dockerfile: ['FROM busybox', 'ENTRYPOINT ["echo", "a b"]', 'CMD ["c", "d"]'],
  },
  {
    name: 'STOPSIGNAL that is none',
    dockerfile: ['FROM busybox', 'STOPSIGNAL SIGNOPE'],
    fails: 'invalid signal: SIGNOPE',
    notOnClassic: 'the same refusal without the place',
  },
  {
    name: 'HEALTHCHECK in exec form and in shell form, the last one counts',
    dockerfile: ['FROM busybox', 'HEALTHCHECK CMD ["a", "b"]', 'HEALTHCHECK --retries=3 CMD a | b'],
  },
  {
    name: 'HEALTHCHECK of a kind nobody knows',
    dockerfile: ['FROM busybox', 'HEALTHCHECK PING x'],
    fails: 'unknown type "PING" in HEALTHCHECK',
    notOnClassic: 'the same refusal, but for a capital',
  },
  {
    name: 'HEALTHCHECK with an interval that is none',
    dockerfile: ['FROM busybox', 'HEALTHCHECK --interval=often CMD x'],
    fails: 'invalid duration "often"',
    notOnClassic: 'the same refusal in the words of Go',
  },
  {
    name: 'SHELL that is no list',
    dockerfile: ['FROM busybox', 'SHELL sh -c'],
    fails: 'SHELL requires the arguments to be in JSON form',
  },
  {
    name: 'ONBUILD of what may not wait',
    dockerfile: ['FROM busybox', 'ONBUILD FROM x'],
    fails: "FROM isn't allowed as an ONBUILD trigger",
  },
  {
    name: 'ONBUILD of ONBUILD',
    dockerfile: ['FROM busybox', 'ONBUILD ONBUILD RUN x'],
    fails: "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
  },
  { name: 'MAINTAINER, the last one counts', dockerfile: ['FROM busybox', 'MAINTAINER a', 'MAINTAINER b'] },
  {
    name: '.dockerignore of everything but some',
    dockerfile: ['FROM busybox', 'COPY . /o/'],
    files: {
      ...files,
      b: 'b',
      'd/x.go': 'x',
      'd/x_test.go': 't',
      'd/.git/c': 'c',
      '.dockerignore': '*\n!d\n!a.txt\n**/*_test.go\n**/.git\n',
    },
  },
  {
    name: '.dockerignore with comments, blanks, slashes and ranges',
    dockerfile: ['FROM busybox', 'COPY . /o/'],
    files: {
      a1: '1',
      a2: '2',
      a3: '3',
      'd/e/f': 'f',
      'd/g': 'g',
      '.dockerignore': '# c\n\n  a[12]  \n/d/e\n./Dockerfile\n.dockerignore\n',
    },
  },
];
