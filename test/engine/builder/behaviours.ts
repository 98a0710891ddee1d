import type { FileSpec } from './lab.js';

/** What an image does when it is run, without more said than here. */
export interface Behaviour {
  readonly name: string;
  readonly dockerfile: readonly string[];
  readonly files?: Record<string, FileSpec>;
  readonly args?: Record<string, string | null>;
  readonly target?: string;
  /** In place of its CMD. */
  readonly command?: readonly string[];
  /** Waited for `ready` in its output, it is stopped as `docker stop` does. */
  readonly stopped?: boolean;
  /** All it writes. */
  readonly output: string;
  readonly exitCode: number;
  readonly notOnClassic?: string;
  readonly notOnBuildKit?: string;
}

const needsBuildKit = 'the classic builder has it only with BuildKit';
const waits = 'echo ready; while true; do sleep 0.1; done';

export const behaviours: readonly Behaviour[] = [
  {
    name: 'CMD in shell form',
    dockerfile: ['FROM busybox', 'ENV A=a', 'CMD echo $A "$0"'],
    output: 'a /bin/sh',
    exitCode: 0,
  },
  {
    name: 'CMD in exec form expands nothing',
    dockerfile: ['FROM busybox', 'ENV A=a', 'CMD ["echo", "$A"]'],
    output: '$A',
    exitCode: 0,
  },
  {
    name: 'CMD replaced by what is run',
    dockerfile: ['FROM busybox', 'CMD ["echo", "image"]'],
    command: ['echo', 'mine'],
    output: 'mine',
    exitCode: 0,
  },
  {
    name: 'ENTRYPOINT in exec form takes CMD as its arguments',
    dockerfile: ['FROM busybox', 'ENTRYPOINT ["echo", "a  b"]', 'CMD ["c", "d"]'],
    output: 'a  b c d',
    exitCode: 0,
  },
  {
    name: 'ENTRYPOINT in exec form takes what is run as its arguments',
    dockerfile: ['FROM busybox', 'ENTRYPOINT ["echo"]', 'CMD ["c"]'],
    command: ['x', 'y'],
    output: 'x y',
    exitCode: 0,
  },
  {
    name: 'ENTRYPOINT in shell form passes no arguments on',
    dockerfile: ['FROM busybox', 'ENTRYPOINT echo "<$*>"', 'CMD ["c"]'],
    output: '<>',
    exitCode: 0,
  },
  {
    name: 'ENTRYPOINT that is a script of the context, made executable by COPY --chmod',
    dockerfile: [
      'FROM busybox',
      'COPY --chmod=755 start.sh /usr/local/bin/',
      'ENTRYPOINT ["start.sh"]',
      'CMD ["run", "me"]',
    ],
    files: { 'start.sh': '#!/bin/sh\necho "start $*"\nexec "$@" 2>/dev/null || exit 9\n' },
    output: 'start run me',
    exitCode: 127,
    notOnClassic: needsBuildKit,
  },
  { name: 'the exit code of the command', dockerfile: ['FROM busybox', 'CMD exit 42'], output: '', exitCode: 42 },
  {
    name: 'SHELL of the image runs CMD in shell form',
    dockerfile: ['FROM busybox', 'SHELL ["/bin/sh", "-ec"]', 'CMD false; echo not here'],
    output: '',
    exitCode: 1,
  },
  {
    name: 'USER by name: number, groups and home',
    dockerfile: ['FROM busybox', 'USER alice', 'CMD id -u; id -g; id -G; echo $HOME'],
    output: '1000\n1000\n1000 50\n/home/alice',
    exitCode: 0,
  },
  {
    name: 'USER by name with a group',
    dockerfile: ['FROM busybox', 'USER alice:bin', 'CMD id -u; id -g'],
    output: '1000\n2',
    exitCode: 0,
  },
  {
    name: 'USER by a number that nobody has',
    dockerfile: ['FROM busybox', 'USER 4242:77', 'CMD id -u; id -g; echo $HOME'],
    output: '4242\n77\n/',
    exitCode: 0,
  },
  {
    name: 'WORKDIR',
    dockerfile: ['FROM busybox', 'WORKDIR /a', 'WORKDIR b/../c', 'CMD ["pwd"]'],
    output: '/a/c',
    exitCode: 0,
  },
  {
    name: 'ENV: values with blanks, equals signs and dollars',
    dockerfile: ['FROM busybox', 'ENV A="x y" B=p=q C=\\$HOME', 'ENV D=$A', 'CMD echo "$A|$B|$C|$D"'],
    output: 'x y|p=q|$HOME|x y',
    exitCode: 0,
  },
  {
    name: 'ARG is not there any more',
    dockerfile: ['FROM busybox', 'ARG A=1', 'ENV B=$A', 'CMD echo "<$A><$B>"'],
    args: { A: '2' },
    output: '<><2>',
    exitCode: 0,
  },
  {
    name: 'a proxy given to the build is not there any more',
    dockerfile: ['FROM busybox', 'RUN test "$HTTP_PROXY" = p', 'CMD echo "<$HTTP_PROXY>"'],
    args: { HTTP_PROXY: 'p' },
    output: '<>',
    exitCode: 0,
  },
  {
    name: 'VOLUME holds what the image had there',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /v && echo seed > /v/f && chown 5:6 /v/f',
      'VOLUME /v',
      'CMD cat /v/f; stat -c %u:%g /v/f; grep -c " /v " /proc/mounts',
    ],
    output: 'seed\n5:6\n1',
    exitCode: 0,
  },
  {
    name: 'VOLUME: what RUN writes there afterwards',
    dockerfile: ['FROM busybox', 'RUN mkdir /v', 'VOLUME /v', 'RUN echo late > /v/f', 'CMD ["cat", "/v/f"]'],
    output: 'late',
    exitCode: 0,
    notOnClassic: 'as BuildKit: the classic builder throws it away',
  },
  {
    name: 'STOPSIGNAL is what a stop sends',
    dockerfile: [
      'FROM busybox',
      'STOPSIGNAL SIGUSR1',
      `CMD trap 'echo usr1; exit 3' USR1; trap 'echo term; exit 4' TERM; ${waits}`,
    ],
    stopped: true,
    output: 'ready\nusr1',
    exitCode: 3,
  },
  {
    name: 'without STOPSIGNAL a stop sends SIGTERM',
    dockerfile: ['FROM busybox', `CMD trap 'echo term; exit 4' TERM; ${waits}`],
    stopped: true,
    output: 'ready\nterm',
    exitCode: 4,
  },
  {
    name: 'STOPSIGNAL by number is inherited by a stage',
    dockerfile: [
      'FROM busybox AS a',
      'STOPSIGNAL 2',
      'FROM a',
      `ENTRYPOINT ["sh", "-c", "trap 'echo int; exit 5' INT; ${waits}"]`,
    ],
    stopped: true,
    output: 'ready\nint',
    exitCode: 5,
  },
  {
    name: 'files with their owners and modes: setuid, sticky, not to be read',
    dockerfile: [
      'FROM busybox',
      'COPY --chown=1000:50 --chmod=400 secret /s/secret',
      'RUN chmod 700 /s && chown 1000 /s && mkdir -m 1777 /s/t',
      'USER alice',
      'CMD cat /s/secret; stat -c "%a %u:%g" /s/secret /s/t',
    ],
    files: { secret: 'for alice\n' },
    output: 'for alice\n400 1000:50\n1777 0:0',
    exitCode: 0,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'a program from another stage, with its links',
    dockerfile: [
      'FROM busybox AS b',
      'RUN mkdir -p /opt/app/bin && printf "#!/bin/sh\\necho app \\$0\\n" > /opt/app/bin/app && chmod 755 /opt/app/bin/app && ln -s app /opt/app/bin/alias',
      'FROM busybox',
      'COPY --from=b /opt /opt',
      'ENV PATH=/opt/app/bin:$PATH',
      'CMD ["alias"]',
    ],
    output: 'app /opt/app/bin/alias',
    exitCode: 0,
  },
  {
    name: 'a stage by target, without what comes after it',
    dockerfile: ['FROM busybox AS dev', 'CMD ["echo", "dev"]', 'FROM busybox AS prod', 'CMD ["echo", "prod"]'],
    target: 'dev',
    output: 'dev',
    exitCode: 0,
  },
  {
    name: 'an image from scratch with one program',
    dockerfile: [
      'FROM scratch',
      'COPY --from=busybox /bin/busybox /busybox',
      'ENTRYPOINT ["/busybox"]',
      'CMD ["echo", "alone"]',
    ],
    output: 'alone',
    exitCode: 0,
  },
  {
    name: 'a heredoc as the entrypoint',
    dockerfile: [
      'FROM busybox',
      "COPY --chmod=755 <<'EOF' /run.sh",
      '#!/bin/sh',
      'echo "run $1 $V"',
      'EOF',
      'ENV V=v',
      'ENTRYPOINT ["/run.sh"]',
      'CMD ["x"]',
    ],
    output: 'run x v',
    exitCode: 0,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'LABEL, EXPOSE and HEALTHCHECK change nothing of what it does',
    dockerfile: ['FROM busybox', 'LABEL a=b', 'EXPOSE 80', 'HEALTHCHECK CMD true', 'CMD ["echo", "ok"]'],
    output: 'ok',
    exitCode: 0,
  },
];
