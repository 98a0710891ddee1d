import type { Case } from '../case.js';
import type { FileSpec } from '../lab.js';

const needsBuildKit = 'the classic builder has it only with BuildKit';
const newer = 'newer than the BuildKit of dockerd 26.1';

const files: Record<string, FileSpec> = { 'a.txt': 'a', 'd/one': '1', 'd/sub/two': '2', '.dockerignore': 'd/sub\n' };

/** RUN with its mounts and flags. */
export const runCases: readonly Case[] = [
  {
    name: 'RUN over several lines, with comments and blank lines in it',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o && \\',
      '# a comment',
      '',
      '    echo one > /o/f && \\',
      '    echo two >> /o/f',
    ],
  },
  {
    name: 'RUN of exec forms that are none: single quotes, a trailing comma',
    dockerfile: ['FROM busybox', "RUN [ 'a' = 'a' ] && mkdir /o", 'RUN [ "a", ] || echo shell > /o/f'],
  },
  {
    name: 'RUN in exec form expands nothing',
    dockerfile: ['FROM busybox', 'ENV A=1', 'RUN mkdir /o', 'RUN ["/bin/sh", "-c", "echo \\"$A $0\\" > /o/f", "$A"]'],
  },
  {
    name: 'RUN --mount=type=bind of the context, a file of it and a stage',
    dockerfile: [
      'FROM busybox AS s',
      'RUN mkdir /q && echo q > /q/f',
      'FROM busybox',
      'RUN mkdir /o',
      'RUN --mount=target=/c find /c ! -name Dockerfile | sort > /o/context',
      'RUN --mount=type=bind,source=a.txt,target=/f cat /f > /o/file',
      'RUN --mount=type=bind,from=s,src=q,dst=/q cat /q/f > /o/stage',
      'RUN --mount=from=busybox,target=/i ls /i/etc > /o/image',
      'RUN --mount=target=/c touch /c/new 2> /dev/null || echo read-only > /o/ro',
      'RUN --mount=target=/c,rw touch /c/new && ls /c/new > /o/rw',
      'RUN --mount=target=/c ls /c/new 2> /dev/null || echo gone > /o/gone',
      'RUN --mount=target=rel echo "$PWD" && ls -d /rel > /o/relative',
    ],
    files,
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=bind of a named context',
    dockerfile: [
      'FROM busybox',
      'RUN --mount=from=other,target=/c mkdir /o && find /c | sort > /o/all',
      'RUN --mount=from=other,source=one,target=/c cat /c > /o/one',
    ],
    files: { 'd/one': '1', 'd/sub/two': '2' },
    contexts: { other: 'd' },
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=cache: owner, mode, shared by id, kept for the next step',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o',
      'RUN --mount=type=cache,target=/c,id=case-own,uid=5,gid=6,mode=0750 ls -lnd /c | cut -c1-10 > /o/mode && stat -c %u:%g /c > /o/owner && touch /c/x',
      'RUN --mount=type=cache,destination=/k,id=case-own,uid=5,gid=6,mode=0750,sharing=locked ls /k > /o/kept',
      'RUN --mount=type=cache,target=/k,id=case-own,uid=5,gid=6,mode=0750,ro touch /k/y 2> /dev/null || echo read-only > /o/ro',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=cache from a stage starts with its files',
    dockerfile: [
      'FROM busybox AS s',
      'RUN mkdir -p /q/sub && echo q > /q/sub/f && chown 5:6 /q/sub/f',
      'FROM busybox',
      'RUN --mount=type=cache,id=case-from,from=s,source=/q,target=/c mkdir /o && cat /c/sub/f > /o/f && stat -c %u:%g /c/sub/f > /o/owner && echo new > /c/sub/f',
      'RUN --mount=type=cache,id=case-from,from=s,source=/q,target=/c cat /c/sub/f > /o/again',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=tmpfs with a size',
    dockerfile: [
      'FROM busybox',
      'RUN --mount=type=tmpfs,target=/t,size=1m mkdir /o && df -k /t | tail -1 | awk \'{print $2}\' > /o/kib; grep -c " /t tmpfs" /proc/mounts > /o/is',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=secret as a file: its place, mode and owner',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o',
      'RUN --mount=type=secret,id=token cat /run/secrets/token | tr a-z A-Z > /o/default; stat -c "%a %u:%g" /run/secrets/token > /o/facts',
      'RUN --mount=type=secret,id=token,target=/etc/t,mode=0444,uid=5,gid=6 stat -c "%a %u:%g" /etc/t > /o/given',
      'RUN --mount=type=secret,id=none ls /run/secrets 2> /dev/null | wc -l > /o/none',
      'RUN ls /run/secrets /etc/t 2> /dev/null | wc -l > /o/after',
    ],
    secrets: { token: 'hush' },
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount=type=secret as a variable',
    dockerfile: [
      'FROM busybox',
      'RUN --mount=type=secret,id=token,env=TOKEN mkdir /o && echo "$TOKEN" | tr a-z A-Z > /o/v; ls /run/secrets 2> /dev/null | wc -l > /o/files',
      'RUN --mount=type=secret,id=token,env=T,target=/t echo "$T" | wc -c > /o/both && wc -c < /t >> /o/both',
      'RUN echo "<$TOKEN>" > /o/after',
    ],
    secrets: { token: 'hush' },
    notOnClassic: needsBuildKit,
    notOnBuildKit: newer,
  },
  {
    name: 'RUN --mount=type=secret that has to be there',
    dockerfile: ['FROM busybox', 'RUN --mount=type=secret,id=no,required true'],
    fails: 'secret no is required',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount of a type nobody knows',
    dockerfile: ['FROM busybox', 'RUN --mount=type=disk,target=/x true'],
    fails: 'unsupported mount type "disk"',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount with an option nobody knows',
    dockerfile: ['FROM busybox', 'RUN --mount=type=cache,target=/x,size=1 true'],
    fails: "unexpected key 'size'",
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --network=host without the right to it',
    dockerfile: ['FROM busybox', 'RUN --network=host true'],
    fails: 'RUN --network=host is not allowed in this build',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --mount onto the root',
    dockerfile: ['FROM busybox', 'RUN --mount=type=cache,target=/ true'],
    fails: 'invalid mount target "/"',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN of a heredoc that fails',
    dockerfile: ['FROM busybox', 'RUN <<EOF', 'set -e', 'exit 3', 'EOF'],
    fails: "The command '/bin/sh -c set -e\\nexit 3\\n' returned a non-zero code: 3",
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --network=default and none',
    dockerfile: [
      'FROM busybox',
      'RUN --network=default mkdir /o && ls /sys/class/net | wc -l > /o/default',
      'RUN --network=none ls /sys/class/net > /o/none',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --network of another name',
    dockerfile: ['FROM busybox', 'RUN --network=mine true'],
    fails: 'invalid network mode: "mine"',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN --security=insecure without the right to it',
    dockerfile: ['FROM busybox', 'RUN --security=insecure true'],
    fails: 'RUN --security=insecure is not allowed in this build',
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN of heredocs: two commands, another shell, tabs stripped, quoted',
    dockerfile: [
      'FROM busybox',
      'ENV V=v',
      'RUN <<A cat > /o1 && cat <<B > /o2',
      'one $V',
      'A',
      'two $V',
      'B',
      `RUN <<'EOF'`,
      'mkdir /o',
      'echo "$V" \\',
      '  > /o/quoted',
      'mv /o1 /o2 /o/',
      'EOF',
      'RUN <<-EOF',
      '\techo tabs > /o/tabs',
      '\tEOF',
      'RUN cat <<EOF | sh -e',
      'echo piped > /o/piped',
      'EOF',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN of a heredoc with SHELL',
    dockerfile: [
      'FROM busybox',
      'SHELL ["/bin/sh", "-euc"]',
      'RUN <<EOF',
      'mkdir /o',
      'echo $- | tr -d s > /o/flags',
      'EOF',
    ],
    notOnClassic: needsBuildKit,
  },
  {
    name: 'RUN sees who and where it is, and what it writes stays',
    dockerfile: [
      'FROM busybox',
      'WORKDIR /o',
      'RUN id -u > id && pwd > pwd && umask > umask && (env | grep -vE "^(HOSTNAME|PWD|OLDPWD|SHLVL)=" | sort > env)',
      'RUN cat /proc/self/status | grep -E "^(CapEff|NoNewPrivs|Seccomp):" > caps',
    ],
    look: '/o',
  },
  {
    name: 'RUN that makes sparse and hard-linked files, devices left out',
    dockerfile: [
      'FROM busybox',
      'RUN mkdir /o && cd /o && echo x > a && ln a b && mkdir -m 2775 s && chown 5:6 s && touch -d @1600000000 a',
    ],
  },
];
