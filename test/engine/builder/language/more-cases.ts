import type { Case } from '../case.js';

const needsBuildKit = 'the classic builder has it only with BuildKit';
const files = { 'a.txt': 'a', 'd/one': '1', 'd/two': '2' };

/** Forms of the language beside those of `cases.ts`, mostly one flag or rule each. */
export const moreCases: readonly Case[] = [
  {
    name: 'FROM --platform of this machine',
    dockerfile: ['ARG TARGETOS', 'FROM --platform=linux/amd64 busybox', 'RUN mkdir /o'],
  },
  {
    name: 'the escape directive, comments and continued lines',
    dockerfile: [
      '# escape=`',
      '# a comment',
      'FROM busybox',
      'ENV A=x`',
      '  # in between',
      '',
      '  B=y',
      'RUN mkdir /o && `',
      '  echo "$A $B" `',
      '  > /o/f',
    ],
  },
  {
    name: 'variables with modifiers and escapes',
    dockerfile: [
      'FROM busybox',
      'ENV S=set E=',
      'ENV A=${S:-no} B=${NO:-default} C=${S:+alt} D=${NO:+alt} F=\\$S G="$S-${E:-empty}" H=\'$S\'',
      'RUN mkdir /o && env | grep -E "^[A-H]=" | sort > /o/env',
    ],
  },
  { name: 'ENV in the old form', dockerfile: ['FROM busybox', 'ENV NAME a  "b" c'] },
  {
    name: 'ARG of a stage goes on to one that starts from it',
    dockerfile: [
      'FROM busybox AS a',
      'ARG X=1',
      'ENV Y=$X',
      'FROM a',
      'ARG Z=z',
      'RUN mkdir /o && echo "<$X><$Y><$Z>" > /o/v',
      'ARG X Z',
      'RUN echo "<$X><$Z>" > /o/declared-again',
      'ARG X=2',
      'RUN echo "<$X>" > /o/changed',
    ],
    notOnClassic: 'as BuildKit: the classic builder forgets the argument',
  },
  { name: 'LABEL in all its forms', dockerfile: ['FROM busybox', 'LABEL a=1 "b c"="d e" f=\'g\'', 'LABEL old form'] },
  { name: 'EXPOSE with ranges and protocols', dockerfile: ['FROM busybox', 'EXPOSE 1-3/udp 80 443/tcp'] },
  { name: 'VOLUME in both forms', dockerfile: ['FROM busybox', 'VOLUME /a /b', 'VOLUME ["/c d"]'] },
  { name: 'USER by name, number and group', dockerfile: ['FROM busybox', 'USER 5', 'USER alice:staff'] },
  { name: 'STOPSIGNAL by name and number', dockerfile: ['FROM busybox', 'STOPSIGNAL 9', 'STOPSIGNAL SIGQUIT'] },
  { name: 'CMD in both forms, the last one counts', dockerfile: ['FROM busybox', 'CMD a b', 'CMD ["c", "d e"]'] },
  { name: 'ENTRYPOINT in shell form', dockerfile: ['FROM busybox', 'ENTRYPOINT exec top -b'] },
  { name: 'MAINTAINER', dockerfile: ['FROM busybox', 'MAINTAINER a b <c@d>'] },
  {
    name: 'HEALTHCHECK with every flag',
    dockerfile: [
      'FROM busybox',
      'HEALTHCHECK --interval=1m30s --timeout=3s --start-period=2s --start-interval=1s --retries=4 CMD ["x"]',
    ],
  },
  {
    name: 'ONBUILD is kept for those who start from here',
    dockerfile: ['FROM busybox', 'ONBUILD COPY . /src', 'ONBUILD RUN make'],
  },
  { name: 'ADD --chown', dockerfile: ['FROM busybox', 'ADD --chown=3:4 d /o/'], files },
  { name: 'ADD --chmod', dockerfile: ['FROM busybox', 'ADD --chmod=600 d /o/'], files, notOnClassic: needsBuildKit },
  {
    name: 'ADD --exclude',
    dockerfile: ['FROM busybox', 'ADD --exclude=two d /o/'],
    files,
    notOnClassic: needsBuildKit,
    notOnBuildKit: 'newer than the BuildKit of dockerd 26.1',
  },
  { name: 'ADD --link', dockerfile: ['FROM busybox', 'ADD --link a.txt /o/'], files, notOnClassic: needsBuildKit },
  { name: 'COPY --link', dockerfile: ['FROM busybox', 'COPY --link d /o/'], files, notOnClassic: needsBuildKit },
  {
    name: 'RUN --network=none has no way out, whatever the build has',
    dockerfile: ['FROM busybox', 'RUN --network=none mkdir /o && wc -l < /proc/net/route > /o/routes'],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=cache, tmpfs and bind leave nothing in the layer',
    dockerfile: [
      'FROM busybox AS s',
      'RUN mkdir /q && echo q > /q/f',
      'FROM busybox',
      'RUN --mount=type=cache,target=/o/c --mount=type=tmpfs,target=/o/t --mount=type=bind,from=s,source=/q,target=/o/b cat /o/b/f > /o/f && touch /o/c/x /o/t/x',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --security=sandbox is as without',
    dockerfile: ['FROM busybox', 'RUN --security=sandbox mkdir /o'],
    notOnClassic: needsBuildKit,
    notOnBuildKit: 'newer than the BuildKit of dockerd 26.1',
  },
  {
    name: 'SHELL for the forms after it, also in later stages of its own',
    dockerfile: [
      'FROM busybox AS a',
      'SHELL ["/bin/sh", "-xc"]',
      'FROM a',
      'RUN mkdir /o; echo $- | tr -d s > /o/f',
      'CMD y',
    ],
  },
  {
    name: 'WORKDIR relative to the last one',
    dockerfile: ['FROM busybox', 'WORKDIR /o', 'WORKDIR a/b', 'WORKDIR ../c', 'RUN pwd > f'],
  },
  {
    name: 'an instruction nobody knows',
    dockerfile: ['FROM busybox', 'RNU true'],
    fails: 'unknown instruction: RNU',
    notOnClassic: 'the same refusal, but it suggests ENV, not RUN',
  },
  {
    name: 'a flag nobody knows',
    dockerfile: ['FROM busybox', 'COPY --form=x a.txt /o/'],
    files,
    fails: 'unknown flag: --form',
    notOnClassic: 'the same refusal, but it suggests one flag, where this engine lists them',
  },
];
