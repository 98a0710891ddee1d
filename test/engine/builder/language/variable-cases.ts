import type { Case } from '../case.js';

/** ARG, ENV and what `$` does. */
export const variableCases: readonly Case[] = [
  {
    name: 'variables: every modifier of set, empty and missing ones',
    dockerfile: [
      'FROM busybox',
      'ENV S=set E=',
      'ENV A1=${S:-w} A2=${E:-w} A3=${N:-w} B1=${S-w} B2=${E-w} B3=${N-w}',
      'ENV C1=${S:+w} C2=${E:+w} C3=${N:+w} D1=${S+w} D2=${E+w} D3=${N+w}',
      'ENV F1=${S:?w} F2=${S?w} F3=${E?w} G=${S:-${N:-x}} H=${N:-${S}} I="${N:-a b}" J=${N:-"a b"}',
    ],
    notOnClassic: 'it has only :- and :+',
  },
  {
    name: 'variables: a missing one with ${:?}',
    dockerfile: ['FROM busybox', 'ENV A="${N:?must be there}"'],
    fails: 'N: must be there',
    notOnClassic: 'it has only :- and :+',
  },
  {
    name: 'variables: an empty one with ${:?}, which ${?} allows',
    dockerfile: ['FROM busybox', 'ENV E=', 'ENV B=${E?no}', 'ENV A="${E:?is empty}"'],
    fails: 'E: is empty',
    notOnClassic: 'it has only :- and :+',
  },
  {
    name: 'variables: patterns cut off at either end, shortest and longest',
    dockerfile: [
      'FROM busybox',
      'ENV P=/usr/local/lib/libx.so.1.2 U=aXbXc',
      'ENV A=${P#*/} B=${P##*/} C=${P%.*} D=${P%%.*} E=${P%/*} F=${P#/usr} G=${P#nope} H=${U#?X} I=${U%X?}',
    ],
    notOnClassic: 'it has only :- and :+',
  },
  {
    name: 'variables: the first match replaced, and all of them',
    dockerfile: [
      'FROM busybox',
      'ENV S=a.b.c.b U=foobarfoo',
      'ENV A=${S/b/X} B=${S//b/X} C=${S/./-} D=${S//./-} E=${U/o*b/-} F=${U//foo/} G=${U/nope/x} H=${U//[of]/_}',
    ],
    notOnClassic: 'it has only :- and :+',
  },
  {
    name: 'variables: quotes, escapes and dollars that stay',
    dockerfile: [
      'FROM busybox',
      'ENV S=set',
      `ENV A='$S' B="$S" C=\\$S D="\\$S" E=$S$S F=\${S}x G=$Sx H="a\\"b" I='a"b' J=a\\ b K="\\\\"`,
    ],
  },
  {
    name: 'ENV of one instruction sees the values from before it',
    dockerfile: ['FROM busybox', 'ENV a=hello', 'ENV a=bye b=$a', 'ENV c=$a'],
  },
  { name: 'ENV in the old form with equals signs', dockerfile: ['FROM busybox', 'ENV ONE TWO= THREE=world'] },
  {
    name: 'ENV over several lines, with empty values and blanks',
    dockerfile: ['FROM busybox', 'ENV NAME="John Doe" DOG=Rex\\ The\\ Dog \\', '    CAT=fluffy EMPTY= QUOTED=""'],
  },
  {
    name: 'ENV without a value',
    dockerfile: ['FROM busybox', 'ENV A'],
    fails: 'ENV must have two arguments',
    notOnClassic: 'the same refusal without the place',
  },
  { name: 'ENV with a blank name', dockerfile: ['FROM busybox', 'ENV =x'], fails: 'ENV names can not be blank' },
  {
    name: 'ENV goes on to stages that start from it, and to no others',
    dockerfile: [
      'FROM busybox AS a',
      'ENV A=1',
      'FROM a AS b',
      'RUN mkdir /o && echo "<$A>" > /o/b',
      'FROM busybox',
      'COPY --from=b /o /o',
      'RUN echo "<$A>" > /o/c',
    ],
  },
  {
    name: 'ARG over several names, with and without defaults',
    dockerfile: ['FROM busybox', 'ARG A=1 B C="x y"', 'RUN mkdir /o && echo "$A,$B,$C" > /o/v'],
    args: { B: 'b' },
  },
  {
    name: 'ARG before FROM is seen in a stage only when it is declared there',
    dockerfile: [
      'ARG A=global',
      'FROM busybox',
      'RUN mkdir /o && echo "<$A>" > /o/before',
      'ARG A',
      'RUN echo "<$A>" > /o/after',
    ],
  },
  {
    name: 'ARG with a default that uses another',
    dockerfile: [
      'ARG V=1',
      'ARG FULL=v${V}.0',
      'FROM busybox',
      'ARG FULL',
      'ARG M=${FULL}-x',
      'RUN mkdir /o && echo $M > /o/v',
    ],
    args: { V: '2' },
  },
  {
    name: 'ARG that is given wins over its default, an empty one too',
    dockerfile: ['FROM busybox', 'ARG A=d', 'ARG B=d', 'ARG C=d', 'RUN mkdir /o && echo "<$A><$B><$C>" > /o/v'],
    args: { A: 'given', B: '' },
  },
  {
    name: 'ARG is gone in another stage, and counts from its line on',
    dockerfile: ['FROM busybox AS a', 'ARG A=1', 'FROM busybox', 'ENV X=<${A}>', 'ARG A=2', 'ENV Y=<${A}>'],
  },
  {
    name: 'ARG and ENV of one name: ENV wins',
    dockerfile: ['FROM busybox', 'ARG V=arg', 'ENV V=env', 'RUN mkdir /o && echo $V > /o/v', 'ENV W=$V'],
    args: { V: 'given' },
  },
  {
    name: 'ARG after an ENV of its name',
    dockerfile: ['FROM busybox', 'ENV V=env', 'ARG V=arg', 'RUN mkdir /o && echo $V > /o/v'],
    notOnBuildKit: 'there the ARG wins from its line on, though its reference says that ENV always does',
  },
  {
    name: 'ARG of the target platform, given to a stage that declares it',
    dockerfile: [
      'FROM busybox',
      'ARG TARGETPLATFORM TARGETOS',
      'ARG TARGETARCH BUILDPLATFORM',
      'ARG BUILDOS',
      'ARG BUILDARCH',
      'RUN mkdir /o && echo "$TARGETPLATFORM $TARGETOS $TARGETARCH $BUILDPLATFORM $BUILDOS $BUILDARCH" > /o/v',
    ],
    notOnClassic: 'it does not have them',
  },
  {
    name: 'ARG of a proxy needs no declaration and is not kept',
    dockerfile: ['FROM busybox', 'RUN mkdir /o && echo "$HTTP_PROXY $https_proxy $NO_PROXY" > /o/v'],
    args: { HTTP_PROXY: 'http://p:1', https_proxy: 'http://s:2', NO_PROXY: 'x' },
  },
  {
    name: 'ARG of a proxy that is declared is an argument like others',
    dockerfile: ['FROM busybox', 'ARG HTTP_PROXY', 'RUN mkdir /o && echo "$HTTP_PROXY" > /o/v'],
    args: { HTTP_PROXY: 'http://p:1' },
  },
  {
    name: 'variables: where they are expanded',
    dockerfile: [
      'FROM busybox',
      'ENV P=80 D=/w U=alice F=a.txt O=/o N=5 S=9 L=lab T=name',
      'WORKDIR $D',
      'EXPOSE $P ${P}80/udp',
      'VOLUME $D/v',
      'USER $U',
      'STOPSIGNAL $S',
      'LABEL $L=$L "x.$L"="$L $L"',
      'COPY --chown=$N:$N $F $O/',
      'ADD $F ${O}/added-$T',
      'CMD echo $P',
      'ENTRYPOINT ["echo", "$P"]',
      'HEALTHCHECK CMD echo $P',
      'ONBUILD RUN echo $P',
    ],
    files: { 'a.txt': 'a' },
  },
  {
    name: 'variables in flags of RUN --mount',
    dockerfile: [
      'FROM busybox',
      'ARG WHERE=/o/t',
      'ENV ID=shared',
      'RUN --mount=type=tmpfs,target=$WHERE --mount=type=cache,id=$ID,target=/o/$ID touch $WHERE/x /o/shared/y',
    ],
    notOnClassic: 'only BuildKit has mounts',
  },
  {
    name: 'FROM --platform by a global argument',
    dockerfile: ['ARG P=linux/amd64', 'FROM --platform=$P busybox', 'RUN mkdir /o'],
  },
  {
    name: 'FROM --platform=$BUILDPLATFORM and $TARGETPLATFORM',
    dockerfile: [
      'FROM --platform=$BUILDPLATFORM busybox AS b',
      'RUN mkdir /o',
      'FROM --platform=$TARGETPLATFORM busybox',
      'COPY --from=b /o /o',
    ],
    notOnClassic: 'it does not have the arguments',
  },
  {
    name: 'FROM of an argument that stands for a stage',
    dockerfile: [
      'ARG WHICH=b',
      'FROM busybox AS a',
      'RUN mkdir /o && touch /o/a',
      'FROM busybox AS b',
      'RUN mkdir /o && touch /o/b',
      'FROM $WHICH',
    ],
    notOnClassic: 'it looks for an image of that name',
  },
  {
    name: 'an ARG with a name that is no name',
    dockerfile: ['FROM busybox', 'ARG =x'],
    fails: 'ARG names can not be blank',
  },
  {
    name: 'ONBUILD with an ARG of the stage that fires it',
    dockerfile: ['FROM busybox', 'ONBUILD ARG X=1', 'ONBUILD RUN echo $X'],
  },
];
